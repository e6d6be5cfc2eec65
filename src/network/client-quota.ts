import { type Ask, type Clock, type Event, failure, type Refusal } from '../contracts.js'
import { noticePace, type Pace, Paced, TokenBucket } from './pacing.js'

declare module '../events.js' {
  interface EventDetails {
    /** A client asks more than it may; `client` is its connection. */
    client_limited: { client: string; reason: string; unnoticed?: number }
  }
}

/** Bounds on what one client may ask. A client is a connection; and a session, over whichever connections it comes. */
export interface ClientQuotas {
  /** Requests that may wait for their answers. */
  readonly maxRequestsPerClient?: number | undefined
  /** Requests in a second, in the long run; as many may come at once after a rest. */
  readonly requestsPerSecond?: number | undefined
}

/** The account of one client: the requests that it has under way, and its rate. */
class Account {
  readonly what: string
  readonly #most: number
  readonly #bucket: TokenBucket | null
  #waiting = 0

  constructor(
    what: string,
    { maxRequestsPerClient = Number.POSITIVE_INFINITY }: ClientQuotas,
    bucket: TokenBucket | null,
  ) {
    this.what = what
    this.#most = maxRequestsPerClient
    this.#bucket = bucket
  }

  /** True if nothing would be another, had the account been made now. */
  get isIdle(): boolean {
    return this.#waiting === 0 && (this.#bucket?.isFull ?? true)
  }

  /** @returns why no more may be asked; null if more may */
  get problem(): string | null {
    if (this.#waiting >= this.#most)
      return `${this.#waiting} requests of this ${this.what} wait here already: read their answers, then ask again`
    if (this.#bucket?.isEmpty) return `this ${this.what} asks too much in a second: ask again later, or less often`
    return null
  }

  begin(): void {
    this.#waiting++
    this.#bucket?.take(1)
  }

  end(): void {
    this.#waiting--
  }
}

/** Clients that have an account before those are forgotten that have nothing under way. */
const mostIdle = 4_096

/**
 * The accounts of all clients of a node: nobody may ask so much that others wait long. Who is over a bound is refused at
 * once, and nothing of it is asked.
 */
export class Quota {
  readonly #quotas: ClientQuotas
  readonly #clock: Clock
  readonly #pace: Pace | null
  readonly #notices: Paced
  readonly #notice: (event: Event) => void
  /** Accounts by the names of connections, and by those that clients have given to sessions. */
  readonly #accounts = new Map<unknown, Account>()
  /** The number of accounts at which the idle ones are forgotten next. */
  #next = mostIdle

  /** @param notice hears `client_limited`, at a bounded pace */
  constructor(quotas: ClientQuotas, clock: Clock, notice: (event: Event) => void) {
    const { requestsPerSecond } = quotas
    this.#quotas = quotas
    this.#clock = clock
    this.#notice = notice
    this.#notices = new Paced(noticePace, clock)
    this.#pace = requestsPerSecond === undefined ? null : { perMs: requestsPerSecond / 1_000, burst: requestsPerSecond }
  }

  /** The number of accounts, for tests. */
  get accounts(): number {
    return this.#accounts.size
  }

  /**
   * Guards the way to a node. A session's name is its client's word: so the connection has an account in any case. Who
   * asks without a connection, as a program with the node inside, has none.
   */
  guard(ask: Ask): Ask {
    if (this.#pace === null && this.#quotas.maxRequestsPerClient === undefined) return ask
    return (candidate, answer, client) => {
      if (client === undefined) return ask(candidate, answer)
      const accounts = [this.#accountOf(client, 'connection')]
      if (typeof candidate.session === 'number') accounts.push(this.#accountOf(candidate.session, 'session'))
      const over = accounts.find(({ problem }) => problem !== null)
      if (over) return answer(this.#refuse(client, over.problem!))
      for (const account of accounts) account.begin()
      ask(candidate, (given) => {
        for (const account of accounts) account.end()
        answer(given)
      })
    }
  }

  #refuse(client: string, reason: string): Refusal {
    this.#notices.pass((more) => this.#notice({ event: 'client_limited', client, reason, ...more }))
    return failure('overloaded', reason)
  }

  #accountOf(name: string | number, what: string): Account {
    const known = this.#accounts.get(name)
    if (known) return known
    if (this.#accounts.size >= this.#next) this.#forgetIdle()
    const account = new Account(what, this.#quotas, this.#pace && new TokenBucket(this.#pace, this.#clock))
    this.#accounts.set(name, account)
    return account
  }

  /** Forgets idle accounts. The next time comes when as many have come again, so a request costs one look at most. */
  #forgetIdle(): void {
    for (const [name, account] of this.#accounts) if (account.isIdle) this.#accounts.delete(name)
    this.#next = this.#accounts.size + mostIdle
  }
}
