import { type Asking, election } from './asking.js'
import type { Patience, Proposed, ProposeOutcome } from './calls.js'
import { RaftError } from './errors.js'

/**
 * A session: each command is done once, however often it is asked, and by however many leaders. One program uses it, and
 * its node may be any. It ends when it has not been used for ten minutes of the cluster's time.
 */
export interface Session<C, R> {
  /** The session's name: the index of the entry that opened it. */
  readonly id: number
  /**
   * Puts a command into the log, and asks again until its outcome is known, or the deadline ends.
   *
   * @throws RaftError `outcome` is unknown only if the deadline, the signal or the node ended first; `session_expired` if
   *   the session has ended, so that another one is to be opened
   */
  propose(command: C, options?: Patience): Promise<Proposed<R>>
  /** Puts a command into the log as {@link propose} does, and never throws. */
  tryPropose(command: C, options?: Patience): Promise<ProposeOutcome<R>>
}

/** Calls of one session that may be under way at once, as stage 9 has it. */
export { callsAtOnce } from '../../stages/9-client-interaction/session.js'

/** Numbers the calls of a session, and knows which of them are still waited for. */
export class CallNumbers {
  readonly #most: number
  #next = 1
  readonly #open = new Set<number>()
  #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
  }

  /** The least number that is waited for; the next one if none is. */
  get firstOutstanding(): number {
    for (const number of this.#open) return number
    return this.#next
  }

  /** Begins a call, as soon as there is room for it. */
  async begin(): Promise<number> {
    while (this.#next >= this.firstOutstanding + this.#most) await new Promise<void>((go) => this.#waiting.push(go))
    const number = this.#next++
    this.#open.add(number)
    return number
  }

  end(number: number): void {
    this.#open.delete(number)
    for (const go of this.#waiting.splice(0)) go()
  }
}

/** The parts of a node that a session needs. */
interface SessionParts<C> {
  readonly asking: Asking
  readonly encode: (command: C) => unknown
  readonly callsAtOnce: number
}

/** Makes a session that was opened under this name. */
export function sessionOf<C, R>(id: number, { asking, encode, callsAtOnce }: SessionParts<C>): Session<C, R> {
  const numbers = new CallNumbers(callsAtOnce)
  const session: Session<C, R> = {
    id,
    async propose(command, { signal, deadlineMs } = {}) {
      asking.check(signal)
      const value = encode(command)
      const sequence = await numbers.begin()
      const request = () => {
        const call = { session: id, sequence, firstOutstanding: numbers.firstOutstanding }
        return { command: 'propose', value, ...call, forward: true }
      }
      try {
        const wish = { signal, deadlineMs, passing: election, isRead: false, isOnce: true }
        return proposedIn(await asking.ask(request, wish))
      } finally {
        numbers.end(sequence)
      }
    },
    tryPropose: (command, options) => outcomeOf(() => session.propose(command, options)),
  }
  return session
}

/** The result in an answer, with its place. A command that stood in a batch of one has the batch's only result. */
export function proposedIn<R>(answer: object): Proposed<R> {
  const { index, term, result, results } = answer as Proposed<R> & { results?: readonly R[] }
  return { result: results ? (results[0] as R) : result, index, term }
}

/** The outcome of a command, as a value. */
export async function outcomeOf<R>(propose: () => Promise<Proposed<R>>): Promise<ProposeOutcome<R>> {
  try {
    return { outcome: 'done', ...(await propose()) }
  } catch (thrown) {
    const error = thrown instanceof RaftError ? thrown : new RaftError('bad_command', String(thrown), { cause: thrown })
    return { outcome: error.outcome, error }
  }
}
