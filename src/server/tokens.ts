/** The file with the tokens of a cluster: who holds one, what for, and a salted hash of each, never the token itself. */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import type { Clock, Event } from '../contracts.js'
import { ConfigError } from '../errors.js'
import { Access } from '../network/access.js'
import { makeToken, type TokenEntry } from '../network/token.js'
import { realFiles } from '../storage/files.js'
import { describeText, writeWhole } from '../storage/small-file.js'
import { quoted } from '../text.js'
import { onHangup } from './hangup.js'
import { tokenShape } from './token-shape.js'

declare module '../events.js' {
  interface EventDetails {
    /** The file of tokens was read again; so many count now. */
    tokens_read: { tokens: number }
    /** The file of tokens could not be read again: those before count on. */
    tokens_unread: { message: string }
  }
}

/** Tokens in a file at most. */
const mostTokens = 1_024
/** Bytes of a file at most. */
const mostBytes = 64 * 1024 * 1024
/** Bits of a file's mode by which others than its owner may read or write it. */
const othersBits = 0o077
/** The mode of the file: its owner reads and writes it, nobody else does either. */
const ownMode = 0o600

const fileShape = z.strictObject({
  format: z.literal(1),
  tokens: z.array(tokenShape).max(mostTokens, `a file has ${mostTokens} tokens at most`),
})

/**
 * Reads a file of tokens.
 *
 * @throws ConfigError if it is not there, others may read it, or it holds anything else; nothing of it is quoted
 */
export function readTokens(path: string): readonly TokenEntry[] {
  const text = readOwn(path, `there is no file of tokens ${path}; \`raft-roadmap tokens add ${path} …\` makes one`)
  const read = fileShape.safeParse(parsed(text))
  if (!read.success) throw new ConfigError(`${path} is no file of tokens: ${problemOf(read.error, text)}`)
  const { tokens } = read.data
  const doubled = tokens.find(({ id, name }, at) =>
    tokens.slice(0, at).some((one) => one.id === id || one.name === name),
  )
  if (doubled) throw new ConfigError(`${path} has two tokens of the name, or the id, of ${doubled.name}`)
  return tokens
}

/**
 * Reads a file that its owner alone may read.
 *
 * @param missing the sentence for a person if there is no such file
 * @throws ConfigError that says what is wrong with it
 */
export function readOwn(path: string, missing: string): string {
  try {
    const file = openSync(path, 'r')
    try {
      const about = fstatSync(file)
      if (!about.isFile() || about.size > mostBytes) throw new ConfigError(`${path} is no file, or is far too long`)
      // Windows has no such modes.
      if ((about.mode & othersBits) !== 0 && process.platform !== 'win32')
        throw new ConfigError(`others than its owner may read or write ${path}: chmod 600 ${path}`)
      return readFileSync(file, 'utf8')
    } finally {
      closeSync(file)
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    throw new ConfigError(code === 'ENOENT' ? missing : `cannot read ${path}: ${message}`)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Says what is wrong with the file: a place in it, and what is to be there. */
function problemOf({ issues }: z.ZodError, text: string): string {
  const [{ path, message }] = issues as [z.core.$ZodIssue]
  return path.length === 0 ? describeText(text) : `${path.join('.')}: ${message}`
}

/** A token that is to be made. */
export interface WantedToken extends Pick<TokenEntry, 'name' | 'role' | 'prefixes'> {}

/**
 * Makes a token and writes what a node keeps of it to a file; the file is made if it is not there.
 *
 * @returns the token, which nobody can read again
 * @throws ConfigError if the name is taken, or anything is not of its shape; the file is as before
 */
export async function addToken(path: string, wanted: WantedToken, isThere: boolean): Promise<string> {
  const before = isThere ? readTokens(path) : []
  if (before.some(({ name }) => name === wanted.name))
    throw new ConfigError(`${path} has a token ${wanted.name} already; \`tokens remove\` takes it out`)
  const { token, ...kept } = makeToken()
  const checked = fileShape.safeParse({ format: 1, tokens: [...before, { ...kept, ...wanted }] })
  if (!checked.success) throw new ConfigError(checked.error.issues[0]!.message)
  await writeTokens(path, checked.data.tokens)
  return token
}

/** Takes a token out of a file. @throws ConfigError if it has none of this name */
export async function removeToken(path: string, name: string): Promise<void> {
  const before = readTokens(path)
  const after = before.filter((token) => token.name !== name)
  if (after.length === before.length) {
    const names = before.map((token) => token.name).join(', ')
    throw new ConfigError(
      `${path} has no token ${quoted(name, 64)}; ${names === '' ? 'it has none' : `it has ${names}`}`,
    )
  }
  await writeTokens(path, after)
}

async function writeTokens(path: string, tokens: readonly TokenEntry[]): Promise<void> {
  const text = `${JSON.stringify({ format: 1, tokens }, null, 2)}\n`
  // The new file takes the place of the old one as a whole, and nobody else may read it at any moment.
  const before = process.umask(0o777 & ~ownMode)
  try {
    await writeWhole(realFiles, resolve(path), text)
  } catch (error) {
    throw new ConfigError(`cannot write ${path}: ${(error as Error).message}`)
  } finally {
    process.umask(before)
  }
}

/**
 * Opens the doors of a node for those who hold a token, and reads the file again at each SIGHUP. A file that is bad then
 * changes nothing: the tokens before count on, and an event says so.
 *
 * @param supervisor the token of the process that started this node; it is in no file
 * @throws ConfigError if the file is bad now
 */
export function openAccess(
  path: string,
  supervisor: TokenEntry | null,
  stage: ConstructorParameters<typeof Access>[0],
  clock: Clock,
  notice: (event: Event) => void,
): Access {
  const read = () => [...readTokens(path), ...(supervisor ? [supervisor] : [])]
  const access = new Access(stage, read(), clock, notice)
  onHangup(() => {
    try {
      const entries = read()
      access.replace(entries)
      notice({ event: 'tokens_read', tokens: entries.length })
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      notice({ event: 'tokens_unread', message: error.message })
    }
  })
  return access
}
