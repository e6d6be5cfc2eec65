/** The entries of the replicated log, and what they hold. Part of the doors: see `contracts.ts`. */

import { type EntryId, type Index, isObject, isPositive, type Term } from './ids.js'

/**
 * The payload of an entry. A command is the application's, and opaque to every rule: a JSON value, or bytes. `call`
 * says which call of which session the command is (stage 9). All other kinds are the cluster's own, and never reach a
 * state machine.
 */
export type Payload =
  | { readonly kind: 'command'; readonly command: unknown; readonly call?: unknown }
  | { readonly kind: 'no-op' }
  | { readonly kind: 'configuration'; readonly configuration: unknown }
  | { readonly kind: 'session'; readonly session: unknown }
  | { readonly kind: 'features'; readonly features: unknown }

export type PayloadKind = Payload['kind']

/** A leader's first entry, which does nothing. */
export const noOp: Payload = { kind: 'no-op' }

/** @param call the call of a session that the command is; undefined if it is none */
export function commandPayload(command: unknown, call?: unknown): Payload {
  return call === undefined ? { kind: 'command', command } : { kind: 'command', command, call }
}

/**
 * One position of the replicated log (§5.3): its payload, and the term of the leader that put it there. `text` is the
 * entry as JSON, written once by that leader: the same text goes to every peer and onto every disk. Once the entry has
 * been performed, a log may keep only the text, and `payload` is null.
 */
export interface Entry extends EntryId {
  readonly payload: Payload | null
  readonly text: string
}

export function makeEntry(index: Index, term: Term, payload: Payload): Entry {
  return { index, term, payload, text: textOf(index, term, payload) }
}

/** Parses the text of an entry. @throws on text that is no entry's */
export function parseEntry(text: string): Entry {
  const parsed = JSON.parse(text) as unknown
  if (!isObject(parsed) || !isPositive(parsed.index) || !isPositive(parsed.term)) throw new Error('not an entry')
  const { index, term } = parsed
  const payload = payloadIn(parsed)
  if (!payload) throw new Error(`entry ${index} holds nothing that an entry can hold`)
  return { index, term, payload, text }
}

/** The payload of an entry, also where the log has kept only its text. */
export function payloadOf(entry: Entry): Payload {
  return entry.payload ?? parseEntry(entry.text).payload!
}

/**
 * The format of an entry's text and of a snapshot. Texts of an earlier format are read, and
 * stay as they are wherever they go: a text shows by its fields which format it has.
 */
export const textFormat = 2

/**
 * The format of a database, and of a snapshot, in which features are switched on. It is written only then, so that the
 * release before can go on from what was written until then; from then on it refuses, and nothing is touched.
 */
export const featuresFormat = 3

/** Checks for an entry that a log of the formats before {@link featuresFormat} cannot hold. */
export const needsFeatures = ({ payload }: Pick<Entry, 'payload'>) => payload?.kind === 'features'

/**
 * Writes the text of an entry. The payload's kind is the name of a field: `json` and `base64` hold a command, with
 * `call` beside it if it is one of a session; `no-op` is true, each other field holds the contents of its kind.
 */
function textOf(index: Index, term: Term, payload: Payload): string {
  if (payload.kind === 'no-op') return JSON.stringify({ index, term, 'no-op': true })
  if (payload.kind !== 'command') {
    const { kind: _, ...own } = payload
    return JSON.stringify({ index, term, ...own })
  }
  const { command, call } = payload
  if (command === undefined) throw new Error('a command that is undefined cannot stand in an entry')
  if (!(command instanceof Uint8Array)) return JSON.stringify({ index, term, json: command, call })
  const bytes = Buffer.from(command.buffer, command.byteOffset, command.byteLength)
  return JSON.stringify({ index, term, base64: bytes.toString('base64'), call })
}

function payloadIn(fields: Readonly<Record<string, unknown>>): Payload | null {
  const { json, base64, call, configuration, session, features } = fields
  if (json !== undefined) return commandPayload(json, call)
  if (typeof base64 === 'string') return commandPayload(Uint8Array.from(Buffer.from(base64, 'base64')), call)
  if (fields['no-op'] === true) return noOp
  if (configuration !== undefined) return { kind: 'configuration', configuration }
  if (session !== undefined) return { kind: 'session', session }
  if (features !== undefined) return { kind: 'features', features }
  return payloadOfFormat1(fields)
}

/**
 * Reads the payload of a text of the first format. There every entry held a command, and two of the commands were the
 * cluster's own.
 */
function payloadOfFormat1({ command }: Readonly<Record<string, unknown>>): Payload | null {
  if (!isObject(command) || typeof command.command !== 'string') return null
  if (command.command === 'no-op' && Object.keys(command).length === 1) return noOp
  if (command.command !== 'configuration') return commandPayload(command)
  const { command: _, ...configuration } = command
  return { kind: 'configuration', configuration }
}
