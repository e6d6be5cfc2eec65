import { type Answer, type Ask, type Failure, isObject, isPositive } from '../../src/contracts.js'
import { type Patience, usualDeadlineMs } from './calls.js'
import type { EndingClock } from './clock.js'
import { RaftError } from './errors.js'
import type { Waiting } from './waiting.js'

/** A request to a node, and what becomes of it where the node gives no answer at once. */
interface Wish extends Patience {
  /** Refusals after which the node is asked again. */
  readonly passing: ReadonlySet<string>
  /** True if the request changes nothing, so that no outcome of it is unknown. */
  readonly isRead: boolean
  /** True if the request happens once, however often it is asked: then it is asked again also where its outcome is unknown. */
  readonly isOnce?: boolean
}

/** Refusals that pass when a node is elected. A read that no leader has confirmed in time may be asked again as well. */
export const election: ReadonlySet<string> = new Set(['no_leader', 'not_leader', 'timeout'])
/** A change of members waits for the one under way. */
export const otherChange: ReadonlySet<string> = new Set([...election, 'change_in_progress'])
/** A node that does not pass a change on refuses it. */
export const otherChangeHere: ReadonlySet<string> = new Set(['change_in_progress'])
export const none: ReadonlySet<string> = new Set()

/** Outcomes that leave it open what becomes of a request. */
const leavesOpen: ReadonlySet<string> = new Set(['timeout', 'leadership_lost', 'connection_lost'])
/** Milliseconds before a request that was refused for want of a leader is asked again. */
const pauseMs = 50

/** The questions of a program to its node: each ends with an answer, a deadline, a signal, or the node. */
export class Asking {
  readonly #clock: EndingClock
  readonly #waiting: Waiting
  #ask: Ask | null = null
  /** The reason for which nothing can be asked any more. */
  #end: { readonly message: string; readonly cause?: Error } | null = null

  constructor(clock: EndingClock, waiting: Waiting) {
    this.#clock = clock
    this.#waiting = waiting
  }

  attach(ask: Ask): void {
    this.#ask = ask
  }

  /** Refuses all questions from here on. */
  end(message: string, cause?: Error): void {
    this.#end = { message, ...(cause && { cause }) }
  }

  /** @throws RaftError if nothing can be asked any more */
  check(signal?: AbortSignal): void {
    if (this.#end) throw new RaftError('closed', this.#end.message, { cause: this.#end.cause })
    if (signal?.aborted) throw new RaftError('aborted', 'the signal was aborted', { cause: signal.reason })
  }

  /** Asks the node, and again for as long as it refuses for a reason that passes. @throws RaftError */
  async ask(request: () => Record<string, unknown>, wish: Wish): Promise<Answer & { ok: true }> {
    const { signal, deadlineMs = usualDeadlineMs, passing, isRead, isOnce = false } = wish
    const end = this.#clock.now() + deadlineMs
    const late = () => new RaftError('timeout', `no answer within ${deadlineMs} ms`, { definite: isRead })
    for (let isOpen = false; ; ) {
      const answer = await this.#once(request, { signal, ms: end - this.#clock.now(), late, isOpen })
      if (answer.ok) return answer
      const { code, definite } = answer.error
      const isLeftOpen = !definite && leavesOpen.has(code)
      isOpen ||= isOnce && isLeftOpen
      const isAskedAgain = (definite && passing.has(code)) || (isOnce && isLeftOpen)
      if (!isAskedAgain || end - this.#clock.now() <= pauseMs) throw errorOf(answer.error, { isRead, isOpen, isOnce })
      await this.#pause(signal, isOpen)
    }
  }

  /** @param isOpen true if an earlier copy of the request may be done */
  async #once(
    request: () => Record<string, unknown>,
    { isOpen, ...bounds }: { signal: AbortSignal | undefined; ms: number; late: () => RaftError; isOpen: boolean },
  ): Promise<Answer> {
    try {
      this.check(bounds.signal)
    } catch (error) {
      throw isOpen ? leftOpen(error as RaftError) : error
    }
    return this.#waiting.for<Answer>((settle) => {
      this.#ask!(request(), settle)
      return () => {}
    }, bounds)
  }

  async #pause(signal: AbortSignal | undefined, isOpen: boolean): Promise<void> {
    try {
      await this.#waiting.pause(pauseMs, signal)
    } catch (error) {
      throw isOpen ? leftOpen(error as RaftError) : error
    }
  }
}

/** The error of a request of which an earlier copy may be done. */
function leftOpen({ code, message, cause }: RaftError): RaftError {
  return new RaftError(code, message, { definite: false, cause })
}

interface Circumstances {
  readonly isRead: boolean
  readonly isOpen: boolean
  readonly isOnce: boolean
}

function errorOf(failure: Failure, { isRead, isOpen, isOnce }: Circumstances): RaftError {
  const { code, message, leader, last } = failure
  // A call of a session that has ended was not done, unless an earlier copy of it was.
  const isRefused = failure.definite || isRead || (isOnce && code === 'session_expired')
  const definite = isRefused && !isOpen
  if (code === 'shutting_down') return new RaftError('closed', 'the node is closed', { definite })
  const details = { definite, leader: typeof leader === 'string' ? leader : undefined, last: placeIn(last) }
  return new RaftError(code, message, details)
}

/** The place in a refusal's details; undefined if there is none. */
function placeIn(last: unknown): RaftError['last'] {
  if (!isObject(last) || !isPositive(last.index) || !isPositive(last.term)) return undefined
  return { index: last.index, term: last.term }
}
