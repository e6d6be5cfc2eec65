import type { Message } from '../../src/contracts.js'

/** A message with whatever fields its type has. */
type AnyMessage = Message & Readonly<Record<string, unknown>>

/** Fields that a line about a message leaves out: it has them elsewhere, or a person has no use for them. */
const elsewhere = new Set('type from to term sequence incarnation origin disk entries data text'.split(' '))

/**
 * Describes a message in one line: `n1@3 → n2 AppendEntries 7@2 [8 9] commit 7`. Behind a name stands the term in which
 * it speaks; `7@2` is entry 7 of term 2.
 */
export function describeMessage(message: Message): string {
  const { from, to, type, term } = message
  const details = detailsOf(message)
  return `${from}${term === undefined ? '' : `@${term}`} → ${to} ${type}${details === '' ? '' : ` ${details}`}`
}

/** Describes the details of a message in a few words, without sender, receiver and type. */
export function detailsOf(given: Message): string {
  const message = given as AnyMessage
  const describe = Object.hasOwn(details, message.type) ? details[message.type]! : describeFields
  return describe(message)
}

const entry = (index: unknown, term: unknown) => `${String(index)}@${String(term)}`

const details: Readonly<Record<string, (message: AnyMessage) => string>> = {
  AppendEntries: ({ prevLogIndex, prevLogTerm, leaderCommit, entries = [] }) =>
    `${entry(prevLogIndex, prevLogTerm)} ${listed(entries)}commit ${String(leaderCommit)}`,
  AppendEntriesReply: ({ matchIndex }) => `has up to ${String(matchIndex)}`,
  AppendEntriesConflict: ({ prevLogIndex, conflictTerm, conflictIndex }) =>
    conflictTerm === null
      ? `has no entry ${String(prevLogIndex)}: its log ends before ${String(conflictIndex)}`
      : `entry ${String(prevLogIndex)} is of term ${String(conflictTerm)}, which begins at ${String(conflictIndex)}`,
  RequestVote: ({ lastLogIndex, lastLogTerm }) => `log ends with ${entry(lastLogIndex, lastLogTerm)}`,
  RequestVoteReply: ({ voteGranted }) => (voteGranted ? 'yes' : 'no'),
  PreVote: ({ nextTerm, lastLogIndex, lastLogTerm }) =>
    `for term ${String(nextTerm)}, log ends with ${entry(lastLogIndex, lastLogTerm)}`,
  PreVoteReply: ({ preVoteGranted }) => (preVoteGranted ? 'yes' : 'no'),
  InstallSnapshot: ({ lastIncludedIndex, lastIncludedTerm, offset, bytes }) =>
    `up to ${entry(lastIncludedIndex, lastIncludedTerm)}, from byte ${String(offset)} of ${String(bytes)}`,
  Replicate: ({ write, command }) => `write ${short(write)}: ${wordsOf(command)}`,
  Replicated: ({ write }) => `write ${short(write)}`,
}

/** Counts the entries of a message. A page holds the first and the last alone: indexes have no gaps. */
export function countEntries({ entries = [] }: Pick<Message, 'entries'>): number {
  return entries.length === 0 ? 0 : entries.at(-1)!.index - entries[0]!.index + 1
}

/** Lists the indexes of entries: all of a few, the first and last of many. */
function listed(entries: Message['entries'] = []): string {
  const count = countEntries({ entries })
  if (count === 0) return ''
  const first = entries[0]!.index
  if (count > 4) return `[${first}–${first + count - 1}] `
  return `[${Array.from({ length: count }, (_, at) => first + at).join(' ')}] `
}

/** Shortens a number that was drawn to its last digits. */
const short = (number: unknown) => `…${String(number).slice(-4)}`

function wordsOf(command: unknown): string {
  if (typeof command !== 'object' || command === null) return String(command)
  return Object.values(command).map(String).join(' ').slice(0, 40)
}

function describeFields(message: AnyMessage): string {
  const fields = Object.entries(message).filter(([name, value]) => !elsewhere.has(name) && typeof value !== 'object')
  return fields.map(([name, value]) => `${name} ${String(value)}`).join(', ')
}

/** Tells heartbeats, and answers that tell nothing new, from all other messages. */
export class Idleness {
  /** The last answer of each node to each other. */
  readonly #answers = new Map<string, string>()

  /** Notes a message that was sent. @returns whether it only says that all is well */
  note(message: Message): boolean {
    const { type, from, to, term, entries = [], matchIndex } = message as AnyMessage
    if (type === 'AppendEntries') return entries.length === 0
    if (type !== 'AppendEntriesReply') return false
    const [link, answer] = [`${from}>${to}`, `${term} ${matchIndex}`]
    const isKnown = this.#answers.get(link) === answer
    this.#answers.set(link, answer)
    return isKnown
  }
}
