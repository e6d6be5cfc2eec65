import { type Foreigner, type Greeting, type Identity, isObject, type NodeId } from '../contracts.js'
import { oneLine, quoted } from '../text.js'
import type { NetworkOptions } from './options.js'
import { Protocols, type Release, releaseIn } from './protocols.js'

/** A node's own identity as a network presents it, and the check of other nodes' identities. */
export class Passport {
  #own: Identity = { incarnation: '', origin: '' }
  #meet: (node: Foreigner) => void = () => {}
  #greet: (peer: Greeting) => void = () => {}
  /** The last greeting of each node and disk, as text. */
  readonly #greeted = new Map<string, string>()
  /** The versions that this node and its peers speak. */
  readonly protocols: Protocols

  constructor({ release, notice }: Pick<NetworkOptions, 'release' | 'notice'>) {
    this.protocols = new Protocols(release, notice)
  }

  get own(): Identity {
    return this.#own
  }

  /** The part of a hello that says who speaks, and of what release. */
  get hello(): Identity & Required<Release> {
    return { ...this.#own, ...this.protocols.own }
  }

  set(identity: Identity): void {
    this.#own = identity
  }

  /**
   * Starts the checks.
   *
   * @param meet called for each node of another cluster, each time that it is met
   * @param greet called when a node's hello says other features than the last one
   */
  open(meet: (node: Foreigner) => void = () => {}, greet: (peer: Greeting) => void = () => {}): void {
    this.#meet = meet
    this.#greet = greet
  }

  /** Notes a hello that was accepted. */
  welcomed(id: NodeId, { incarnation }: Pick<Identity, 'incarnation'>, { features = [] }: Release): void {
    this.#tell({ id, incarnation, features })
  }

  /**
   * Notes that a node is not connected any more: what it knows when it comes back, its next hello says.
   *
   * @param disk the node's disk; left out for any disk under this name
   */
  left(id: NodeId, disk?: string): void {
    for (const key of [...this.#greeted.keys()]) {
      const [name, incarnation] = key.split(' ') as [string, string]
      if (name !== id || (disk !== undefined && incarnation !== disk)) continue
      this.#greeted.delete(key)
      this.#greet({ id, incarnation, features: null })
    }
  }

  #tell(greeting: Greeting): void {
    const [key, text] = [`${greeting.id} ${greeting.incarnation}`, JSON.stringify(greeting.features)]
    if (this.#greeted.get(key) === text) return
    if (this.#greeted.size >= greetedLimit) this.#greeted.clear()
    this.#greeted.set(key, text)
    this.#greet(greeting)
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

  /**
   * Reads what a peer said when it refused this node. A peer of the same cluster that hears this node's double says
   * where the double listens.
   *
   * @param self this node's name
   * @returns whether the peer refuses this node, for one reason or the other
   */
  isRefused(self: NodeId, peer: NodeId, said: unknown): boolean {
    if (this.refuses(peer, identityIn(said)) || this.protocols.isRefused(peer, releaseIn(said))) return true
    const { double } = isObject(said) ? said : {}
    if (typeof double !== 'string' || double === '') return false
    this.#meet({ id: self, ...this.#own, address: oneLine(double, addressLength) })
    return true
  }
}

/**
 * Thrown for a copy of a peer's folder: it has the peer's name and disk, and the peer itself speaks. The copy is told
 * where the peer listens.
 */
export class DoubleError extends Error {
  readonly address: string

  constructor(id: NodeId, address: string, other: unknown) {
    const what = 'one of the two is a copy of its folder: stop it'
    super(`${quoted(id)} speaks to us from ${address} already, and this one listens at ${quoted(other)}; ${what}`)
    this.address = address
  }
}

/**
 * Thrown for a node of another cluster. The node is told who refuses it; nobody else needs a report, since nobody made
 * a mistake.
 */
export class ForeignError extends Error {}

const nameLength = 64
/** Greetings that are remembered at most: strangers may bear any name. */
const greetedLimit = 64
/** Characters of an address at most: those of a host name, and a port. */
const addressLength = 260
const nameOf = (candidate: unknown) =>
  typeof candidate === 'string' && candidate.length <= nameLength ? candidate : ''

/** Reads the identity from a decoded packet; a name that is missing or too long is empty. */
export function identityIn(candidate: unknown): Identity {
  const { incarnation, origin } = isObject(candidate) ? candidate : {}
  return { incarnation: nameOf(incarnation), origin: nameOf(origin) }
}
