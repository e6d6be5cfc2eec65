import type { Argument, Command, CommandShape } from './contracts.js'

/** A line that a person typed and that makes no command; the message says what would. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** One word of a line; `quoted` tells `"null"` from `null`. */
export interface Word {
  readonly text: string
  readonly quoted: boolean
}

/**
 * Splits a line at spaces. A word that begins with a double quote is a JSON string: `"two words"`, `""`, `"\u00e9"`.
 */
function splitWords(line: string): Word[] {
  const words: Word[] = []
  const pattern = /\s*("(?:[^"\\]|\\.)*"|\S+)/gy
  for (let found = pattern.exec(line); found; found = pattern.exec(line)) words.push(toWord(found[1]!))
  return words
}

function toWord(text: string): Word {
  if (!text.startsWith('"')) return { text, quoted: false }
  try {
    return { text: JSON.parse(text) as string, quoted: true }
  } catch {
    throw new UsageError(`${text} begins with a quote but is no JSON string; write \\" for a quote inside one`)
  }
}

/**
 * A line as a person types it, at the REPL or in a script: a command, perhaps followed by the node to ask, as `@n3`.
 */
export interface Line {
  readonly command: Command
  readonly at: string | null
}

/**
 * Parses a line such as `set a 1`, `cas a null 1` or `get a @n3`. The last text of a command takes the rest of an
 * unquoted line, so that `set greeting hello world` needs no quotes.
 *
 * @throws UsageError that shows how the command is used
 */
export function parseLine(line: string, shapes: Readonly<Record<string, CommandShape>>): Line {
  const words = splitWords(line.trim())
  const last = words.at(-1)
  const at = words.length > 1 && last && !last.quoted && /^@\w+$/.test(last.text) ? last.text.slice(1) : null
  return { command: toCommand(at === null ? words : words.slice(0, -1), shapes), at }
}

/** Turns words into a command of these shapes. @throws UsageError that shows how the command is used */
export function toCommand(words: readonly Word[], shapes: Readonly<Record<string, CommandShape>>): Command {
  const name = words[0]?.text ?? ''
  const shape = Object.hasOwn(shapes, name) ? shapes[name]! : undefined
  if (!shape) throw new UsageError(`no command ${JSON.stringify(name)}; there are ${Object.keys(shapes).join(' ')}`)
  const takes = shape.takes.filter(({ kind }) => kind !== 'flag')
  const needed = takes.filter(({ optional }) => !optional).length
  const { rest, beside } = takeBeside(words.slice(1), needed, shape)
  const { given, flags } = takeFlags(rest, shape.takes)
  const joined = takes.at(-1)?.kind === 'names' ? given : joinRest(given, takes)
  const most = takes.at(-1)?.kind === 'names' ? Number.POSITIVE_INFINITY : takes.length
  if (joined.length < needed || joined.length > most) throw new UsageError(`usage: ${usage(name, shape)}`)
  return { command: name, ...Object.fromEntries(values(joined, takes)), ...flags, ...beside }
}

/**
 * Takes the fields that stand beside a command off the end of the words: each by its name, as `sequence=3` or
 * `withIndex`. Words that the command itself needs are left to it.
 */
function takeBeside(words: readonly Word[], needed: number, { envelope = [] }: CommandShape) {
  const fieldOf = ({ text, quoted }: Word): readonly [string, unknown] | undefined => {
    const [name, ...parts] = text.split('=')
    const field = quoted ? undefined : envelope.find((one) => one.name === name)
    if (!field || (field.kind === 'flag') !== (parts.length === 0)) return undefined
    return [field.name, field.kind === 'flag' ? true : toValue({ text: parts.join('='), quoted: false }, field.kind)]
  }
  const end = Math.max(needed, words.findLastIndex((word) => !fieldOf(word)) + 1)
  return { rest: words.slice(0, end), beside: Object.fromEntries(words.slice(end).map((word) => fieldOf(word)!)) }
}

/** Takes the flags off the end of the words, each by its own name. */
function takeFlags(words: readonly Word[], takes: readonly Argument[]) {
  const names = takes.filter(({ kind }) => kind === 'flag').map(({ name }) => name)
  const isFlag = ({ text, quoted }: Word) => !quoted && names.includes(text)
  const end = words.findLastIndex((word) => !isFlag(word)) + 1
  return { given: words.slice(0, end), flags: Object.fromEntries(words.slice(end).map(({ text }) => [text, true])) }
}

function values(words: readonly Word[], takes: readonly Argument[]): (readonly [string, unknown])[] {
  return takes.slice(0, words.length).map(({ name, kind }, at) => {
    if (kind === 'names') return [name, words.slice(at).map(({ text }) => text)]
    return [name, toValue(words[at]!, kind)]
  })
}

/** Joins surplus words to the last argument, if it is a text after a key and no surplus word was quoted. */
function joinRest(words: readonly Word[], takes: readonly Argument[]): readonly Word[] {
  const rest = words.slice(takes.length - 1)
  const joinable = takes.length > 1 && takes.at(-1)!.kind === 'text' && !rest.some(({ quoted }) => quoted)
  if (rest.length < 2 || !joinable) return words
  return [...words.slice(0, takes.length - 1), { text: rest.map(({ text }) => text).join(' '), quoted: false }]
}

function toValue({ text, quoted }: Word, kind: Argument['kind']): unknown {
  if (kind === 'text or null' && text === 'null' && !quoted) return null
  if (kind === 'json') return quoted ? text : jsonOr(text)
  return kind === 'number' ? Number(text) : text
}

/** The value that a text is in JSON; the text itself if it is none. */
function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

/**
 * Writes the usage of a command: `cas key expected value`, `scan [prefix] [after] [limit]`, `reconfigure voters…
 * [force]`.
 */
export function usage(name: string, { takes }: CommandShape): string {
  const word = ({ name, kind }: Argument) => (kind === 'names' ? `${name}…` : name)
  return [name, ...takes.map((argument) => (argument.optional ? `[${word(argument)}]` : word(argument)))].join(' ')
}

/** Writes how the fields beside a command are typed: `[consistency=…] [atLeast=…] [withIndex]`; empty if it takes none. */
export function usageBeside({ envelope = [] }: CommandShape): string {
  return envelope.map(({ name, kind }) => (kind === 'flag' ? `[${name}]` : `[${name}=…]`)).join(' ')
}
