import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { CallError, type CommandOf } from 'raft-roadmap'
import {
  addressesIn,
  certsOption,
  connectOption,
  ownToken,
  tlsFrom,
  tokenFileOption,
  UsageError,
  type Verb,
  wholeNumber,
} from 'raft-roadmap/server'
import { type VectorClient, type VectorCommands, vectorClient } from './client.js'
import type { Metadata } from './commands.js'
import { encodeVector } from './encoding.js'
import { limits } from './limits.js'
import { vectorOf } from './words.js'

/** Numbers of a vector of words, if nobody says another number. */
const usualDimension = 256
/** Characters of a line that its metadata shows. */
const shownLength = 500
/** Items of one `set`. */
const together = 100

interface LoadArguments {
  store: string
  file: string
  dimension: number
  connect: string
  certs: string | undefined
  tokenFile: string | undefined
}

/** The command that puts the lines of a text into a store. */
export const load: Verb<LoadArguments> = {
  builder: (yargs) =>
    yargs
      .positional('store', { type: 'string', demandOption: true, describe: 'its name; it is made if it is not there' })
      .positional('file', { type: 'string', demandOption: true, describe: 'a text, an item a line' })
      .option('dimension', {
        default: usualDimension,
        describe: 'numbers of a vector',
        coerce: wholeNumber('dimension', 1, limits.dimension),
      })
      .option('connect', connectOption)
      .option('certs', certsOption)
      .option('token-file', tokenFileOption),
  async handler({ store, file, dimension, connect, certs, tokenFile }) {
    const items = itemsOf(await textOf(file), basename(file), dimension)
    const client = vectorClient({ addresses: addressesIn(connect), token: ownToken(tokenFile), ...tlsFrom(certs) })
    try {
      await done(client, { command: 'create_store', store, dimension })
      for (let at = 0; at < items.length; at += together)
        await done(client, { command: 'set', store, items: items.slice(at, at + together) })
      console.log(`${items.length} lines of ${file} are in the store ${store}`)
    } finally {
      client.close()
    }
  },
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`)
  }
}

/** The items of a text: a line that is not empty is one, under the name of its file and its number. */
function itemsOf(text: string, name: string, dimension: number): { id: string; vector: string; metadata: Metadata }[] {
  return text.split(/\r?\n/).flatMap((line, at) => {
    if (line.trim() === '') return []
    const metadata = { text: line.trim().slice(0, shownLength).toWellFormed(), file: name }
    return [{ id: `${name}:${at + 1}`, vector: encodeVector(vectorOf(line, dimension)), metadata }]
  })
}

/** Asks a command until it is done. @throws UsageError that says why it is not */
async function done(client: VectorClient, command: CommandOf<Pick<VectorCommands, 'create_store' | 'set'>>) {
  const outcome = await client.call(command)
  if (outcome.outcome === 'done') return
  const { message } = new CallError(outcome)
  throw new UsageError(`${command.command} is ${outcome.outcome}: ${message}`)
}
