import { type Foreigner, type Identity, isObject } from '../contracts.js'
import { oneLine } from '../text.js'

/** A node's own identity as a network presents it, and the check of other nodes' identities. */
export class Passport {
  #own: Identity = { incarnation: '', origin: '' }
  #meet: (node: Foreigner) => void = () => {}

  get own(): Identity {
    return this.#own
  }

  set(identity: Identity): void {
    this.#own = identity
  }

  /** Starts the checks. @param meet called for each node of another cluster, each time that it is met */
  open(meet: (node: Foreigner) => void = () => {}): void {
    this.#meet = meet
  }

  /**
   * Checks whether a node belongs to another cluster, and reports it if so. A node without a cluster, on either side,
   * is not refused.
   */
  refuses(id: unknown, { origin, incarnation }: Identity): boolean {
    if (typeof id !== 'string' || origin === '' || this.#own.origin === '' || origin === this.#own.origin) return false
    this.#meet({ id: oneLine(id, nameLength), origin, incarnation })
    return true
  }
}

/**
 * Thrown for a node of another cluster. The node is told who refuses it; nobody else needs a report, since nobody made
 * a mistake.
 */
export class ForeignError extends Error {}

const nameLength = 64
const nameOf = (candidate: unknown) =>
  typeof candidate === 'string' && candidate.length <= nameLength ? candidate : ''

/** Reads the identity from a decoded packet; a name that is missing or too long is empty. */
export function identityIn(candidate: unknown): Identity {
  const { incarnation, origin } = isObject(candidate) ? candidate : {}
  return { incarnation: nameOf(incarnation), origin: nameOf(origin) }
}
