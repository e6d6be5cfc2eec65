import { errorCodes, isObject } from '../../contracts.js'
import { quoted } from '../../text.js'

/** The command of a client. `expected: null` means "only if the key is absent". */
export type KeyCommand =
  | { readonly command: 'get'; readonly key: string }
  | { readonly command: 'set'; readonly key: string; readonly value: string }
  | { readonly command: 'delete'; readonly key: string }
  | { readonly command: 'append'; readonly key: string; readonly value: string }
  | { readonly command: 'cas'; readonly key: string; readonly expected: string | null; readonly value: string }

/**
 * The outcome of an operation. `done`: performed and answered. `refused`: certainly not performed, now or later.
 * `unknown`: it may have been performed, or may be yet, or never.
 */
export type Outcome = 'done' | 'refused' | 'unknown'

/** The answer of a performed operation; further fields are allowed and ignored. */
export interface KeyAnswer {
  /** The value that a `get` found; null if the key was absent. */
  readonly value?: string | null
  /** True if a `delete` found the key. */
  readonly existed?: boolean
  /** The length after an `append`, in UTF-16 units. */
  readonly length?: number
}

/** The reason why an operation was refused or left unknown. */
export interface KeyError {
  readonly code: string
  /** The value that a `cas` with `cas_mismatch` found instead of the expected one; null if absent. */
  readonly actual?: string | null
}

/**
 * One operation of a history; as JSON, one line of an NDJSON file.
 *
 * `call` and `return` are readings of one monotone clock or counter shared by all clients: milliseconds or the numbers
 * of events. If one operation returns at the moment of another's call, their order is not known, and they count as
 * concurrent.
 */
export interface Operation {
  readonly client: string
  readonly id?: number | string
  readonly command: KeyCommand
  /** The moment of the call. */
  readonly call: number
  /** The moment of the answer; null without an answer. It has no meaning for an `unknown` outcome. */
  readonly return: number | null
  readonly outcome: Outcome
  /** The answer; present if the outcome is `done`. */
  readonly answer?: KeyAnswer
  /** The error; present if the outcome is `refused`. */
  readonly error?: KeyError
}

/** Thrown for a record that is no operation; `record` counts from 1, like the lines of a file. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError'
  constructor(
    readonly record: number,
    readonly problem: string,
  ) {
    super(`record ${record}: ${problem}`)
  }
}

/** Checks records, such as the parsed lines of an NDJSON file; throws a {@link HistoryError} at the first bad one. */
export function parseHistory(records: Iterable<unknown>): Operation[] {
  const operations: Operation[] = []
  for (const record of records) {
    const problem = problemOf(record)
    if (problem !== undefined) throw new HistoryError(operations.length + 1, problem)
    operations.push(record as Operation)
  }
  return operations
}

type Fields = Readonly<Record<string, unknown>>

function problemOf(record: unknown): string | undefined {
  if (!isObject(record)) return 'an operation must be an object'
  const { client, id } = record
  if (typeof client !== 'string') return 'client must be a string'
  if (id !== undefined && typeof id !== 'number' && typeof id !== 'string') return 'id must be a number or a string'
  return problemOfCommand(record.command) ?? problemOfMoments(record) ?? problemOfOutcome(record)
}

const argumentsOf: Readonly<Record<KeyCommand['command'], readonly string[]>> = {
  get: ['key'],
  set: ['key', 'value'],
  delete: ['key'],
  append: ['key', 'value'],
  cas: ['key', 'expected', 'value'],
}

function problemOfCommand(command: unknown): string | undefined {
  if (!isObject(command)) return 'command must be an object such as {"command":"get","key":"a"}'
  const name = command.command
  if (typeof name !== 'string' || !Object.hasOwn(argumentsOf, name)) {
    return `command.command must be one of ${Object.keys(argumentsOf).join(', ')}, not ${quoted(name)}`
  }
  for (const argument of argumentsOf[name as KeyCommand['command']]) {
    const given = command[argument]
    if (argument === 'expected' && given === null) continue
    if (typeof given === 'string') continue
    return `command.${argument} must be a string${argument === 'expected' ? ', or null for "absent"' : ''}`
  }
  return undefined
}

function problemOfMoments({ call, return: returned, outcome }: Fields): string | undefined {
  if (!Number.isFinite(call)) return 'call must be a finite number'
  if (returned === null) return outcome === 'unknown' ? undefined : `return is null, so the outcome must be "unknown"`
  if (!Number.isFinite(returned)) return 'return must be a finite number, or null when no answer came'
  return (returned as number) < (call as number) ? `it returns at ${returned}, before its call at ${call}` : undefined
}

function problemOfOutcome({ outcome, command, answer, error }: Fields): string | undefined {
  const { command: name } = command as KeyCommand
  if (outcome === 'done') return problemOfAnswer(name, answer)
  if (outcome === 'refused') return problemOfRefusal(name, error)
  return outcome === 'unknown' ? undefined : 'outcome must be "done", "refused" or "unknown"'
}

function problemOfAnswer(name: KeyCommand['command'], answer: unknown): string | undefined {
  if (name === 'set' || name === 'cas') return undefined
  const { value, existed, length } = isObject(answer) ? answer : ({} as Fields)
  if (name === 'get' && value !== null && typeof value !== 'string') {
    return 'a get that is done must have answer.value, a string or null'
  }
  if (name === 'delete' && typeof existed !== 'boolean') {
    return 'a delete that is done must have answer.existed, true or false'
  }
  if (name === 'append' && !(Number.isSafeInteger(length) && (length as number) >= 0)) {
    return 'an append that is done must have answer.length, a whole number'
  }
  return undefined
}

function problemOfRefusal(name: KeyCommand['command'], error: unknown): string | undefined {
  const { code, actual } = isObject(error) ? error : ({} as Fields)
  if (typeof code !== 'string') return 'an operation that is refused must have error.code, a string'
  const known: Readonly<Record<string, { definite: boolean }>> = errorCodes
  // A read that is refused did nothing, whatever the reason.
  if (name !== 'get' && Object.hasOwn(known, code) && !known[code]?.definite) {
    return `${code} leaves open whether anything was done, so the outcome must be "unknown"`
  }
  if (code !== 'cas_mismatch') return undefined
  if (name !== 'cas') return `cas_mismatch can only refuse a cas, not a ${name}`
  const wellFormed = actual === undefined || actual === null || typeof actual === 'string'
  return wellFormed ? undefined : 'error.actual must be a string, or null for "absent"'
}
