/** The entries of the replicated log, and what they hold. Part of the doors: see `contracts.ts`. */

import { type EntryId, type Index, isObject, isPositive, type Term } from './messages.js'

/**
 * What an entry holds. A command is the application's, and opaque to every rule: a JSON value, or bytes. All else is the
 * cluster's own, and no state machine hears of it.
 */
export type Payload =
  | { readonly kind: 'command'; readonly command: unknown }
  | { readonly kind: 'no-op' }
  | { readonly kind: 'configuration'; readonly configuration: unknown }
  | { readonly kind: 'session'; readonly session: unknown }

export type PayloadKind = Payload['kind']

/** A leader's first entry, which does nothing. */
export const noOp: Payload = { kind: 'no-op' }

export function commandPayload(command: unknown): Payload {
  return { kind: 'command', command }
}

/**
 * One position of the replicated log (§5.3): its payload, and the term of the leader that put it there. `text` is the
 * entry as JSON, written once by that leader: the same text goes to every peer and onto every disk. Once the entry has
 * been performed, a log may keep the text alone.
 */
export interface Entry extends EntryId {
  readonly payload: Payload | null
  readonly text: string
}

export function makeEntry(index: Index, term: Term, payload: Payload): Entry {
  return { index, term, payload, text: textOf(index, term, payload) }
}

/** The entry of which this is the text. @throws on text that is no entry's */
export function parseEntry(text: string): Entry {
  const parsed = JSON.parse(text) as unknown
  if (!isObject(parsed) || !isPositive(parsed.index) || !isPositive(parsed.term)) throw new Error('not an entry')
  const { index, term } = parsed
  const payload = payloadIn(parsed)
  if (!payload) throw new Error(`entry ${index} holds nothing that an entry can hold`)
  return { index, term, payload, text }
}

/** What an entry holds, also when the log has kept its text alone. */
export function payloadOf(entry: Entry): Payload {
  return entry.payload ?? parseEntry(entry.text).payload!
}

function textOf(index: Index, term: Term, payload: Payload): string {
  if (payload.kind === 'command') return JSON.stringify({ index, term, command: payload.command })
  const own = payload.kind === 'configuration' ? (payload.configuration as object) : {}
  return JSON.stringify({ index, term, command: { command: payload.kind, ...own } })
}

function payloadIn({ command }: Readonly<Record<string, unknown>>): Payload | null {
  if (!isObject(command)) return null
  if (command.command === 'no-op' && Object.keys(command).length === 1) return noOp
  if (command.command !== 'configuration') return commandPayload(command)
  const { command: _, ...configuration } = command
  return { kind: 'configuration', configuration }
}
