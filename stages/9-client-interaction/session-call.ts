import { type Index, isObject, isPositive, type Payload } from '../../src/contracts.js'

/**
 * One call of a session, as it stands in an entry beside its command (thesis §6.3). A list is short and quickly read:
 * every write of every session has one.
 */
export type SessionCall = readonly [
  /** The session's name: the index of the entry that opened it. */
  session: Index,
  /** The number of the call in its session, from 1 on. A repeated call has the same number. */
  sequence: number,
  /** The least number whose answer the client still waits for. Answers below it are forgotten. */
  firstOutstanding: number,
  /** The cluster's time when the call was proposed, in milliseconds. */
  time: number,
]

/** An entry about sessions alone. All of them bear the cluster's time, in milliseconds, as their leader counted it. */
export type SessionEvent =
  /** Opens a session. Where there are as many as there may be, it takes the place of another. */
  | { readonly event: 'open'; readonly time: number; readonly instead?: Index }
  /** Ends all sessions that have not been used for so long. */
  | { readonly event: 'expire'; readonly time: number; readonly idleMs: number }
  /** Ends one session, whose answers take too much room. */
  | { readonly event: 'end'; readonly time: number; readonly session: Index }

const isNumber = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** Checks the payload of an entry from the wire: an event of sessions, or a command with the call that it is. */
export function isSession(payload: Payload): boolean {
  if (payload.kind === 'command') return isCall(payload.call)
  return payload.kind === 'session' && isEvent(payload.session)
}

function isCall(candidate: unknown): candidate is SessionCall {
  if (!Array.isArray(candidate) || candidate.length !== 4) return false
  const [session, sequence, firstOutstanding, time] = candidate as unknown[]
  if (!isPositive(session) || !isPositive(sequence) || !isPositive(firstOutstanding)) return false
  return firstOutstanding <= sequence && isNumber(time)
}

function isEvent(candidate: unknown): candidate is SessionEvent {
  if (!isObject(candidate) || !isNumber(candidate.time)) return false
  const { event, instead, idleMs, session } = candidate
  if (event === 'open') return instead === undefined || isPositive(instead)
  if (event === 'expire') return isPositive(idleMs)
  return event === 'end' && isPositive(session)
}
