import { type Foreigner, type Identity, isObject } from '../contracts.js'

/** A node's own identity as a network presents it, and the check of everybody else's. */
export class Passport {
  #own: Identity = { incarnation: '', origin: '' }
  #meet: (node: Foreigner) => void = () => {}

  get own(): Identity {
    return this.#own
  }

  set(identity: Identity): void {
    this.#own = identity
  }

  /** @param meet hears of each node of another cluster, each time that it is met */
  open(meet: (node: Foreigner) => void = () => {}): void {
    this.#meet = meet
  }

  /** Whether a node belongs to another cluster than this one. While one of the two knows of none, it does not. */
  refuses(id: unknown, { origin, incarnation }: Identity): boolean {
    if (typeof id !== 'string' || origin === '' || this.#own.origin === '' || origin === this.#own.origin) return false
    this.#meet({ id, origin, incarnation })
    return true
  }
}

/** A node of another cluster is refused, and told by whom; that is no mistake which anybody would have to read of again. */
export class ForeignError extends Error {}

const nameLength = 64
const nameOf = (candidate: unknown) =>
  typeof candidate === 'string' && candidate.length <= nameLength ? candidate : ''

/** The identity in something that came over the wire; empty names where there are none. */
export function identityIn(candidate: unknown): Identity {
  const { incarnation, origin } = isObject(candidate) ? candidate : {}
  return { incarnation: nameOf(incarnation), origin: nameOf(origin) }
}
