import { plainAddress } from '../address.js'
import type { Identity, NodeId } from '../contracts.js'
import { quoted } from '../text.js'
import { type Called, keyOf, type Links, type Peer } from './links.js'
import type { NetworkOptions } from './options.js'
import { DoubleError, ForeignError, type Passport } from './passport.js'
import type { Release } from './protocols.js'

/** The first packet of a connection, as it came, not checked: its sender may be anybody. */
export interface Hello extends Identity, Release {
  /** The version in which the sender speaks on this connection. */
  readonly protocol: unknown
  readonly cluster: unknown
  readonly from: unknown
  readonly to: unknown
  /** The address at which the sender listens for nodes; left out by a node that only answers. */
  readonly address?: unknown
  /** Milliseconds between the sender's probes on this connection; left out by a node that sends none, or none of ours. */
  readonly probeMs?: number
}

/** An accepted connection of another node. */
export interface Visit {
  readonly from: NodeId
  readonly isGuest: boolean
  /** Must be called when the connection has ended, for whatever reason. */
  readonly leave: () => void
}

/**
 * The connections that other nodes have made to this one. A guest stays a guest as long as one of its connections
 * stands.
 */
export class Visits {
  readonly #options: Pick<NetworkOptions, 'self' | 'cluster'>
  readonly #links: Links<Called>
  readonly #passport: Passport
  /**
   * The connections of each sender, under the key of the link that answers it: the function that ends each one, and the
   * address that its hello gave.
   */
  readonly #visits = new Map<string, Map<() => void, unknown>>()

  constructor(options: Pick<NetworkOptions, 'self' | 'cluster'>, links: Links<Called>, passport: Passport) {
    this.#options = options
    this.#links = links
    this.#passport = passport
  }

  /**
   * Admits a connection, by its first packet. An earlier connection of the same node is ended.
   *
   * @param hangUp ends the connection
   * @throws Error that says why the sender is not to be heard; ForeignError if it belongs to another cluster,
   *   DoubleError if it is a copy of a peer that speaks itself, ProtocolError if it speaks another version
   */
  enter(hello: Hello, hangUp: () => void): Visit {
    const { cluster, from, to, address, incarnation, probeMs } = hello
    if (cluster !== this.#options.cluster) throw new Error(`it belongs to the cluster ${quoted(cluster)}`)
    if (to !== this.#options.self) throw new Error(`it is looking for ${quoted(to)}`)
    this.#passport.protocols.check(from, hello.protocol, hello)
    if (this.#passport.refuses(from, hello)) throw new ForeignError(`${String(from)} belongs to another cluster`)
    const link = this.#links.welcome(from, address, incarnation)
    const { peer } = link
    const { id } = peer
    const key = keyOf(peer)
    const visits = this.#visits.get(key) ?? new Map<() => void, unknown>()
    refuseCopy(peer, address, [...visits.values()])
    const earlier = [...visits.keys()]
    this.#visits.set(key, visits.set(hangUp, address))
    // A node has one connection to this one: an earlier connection is dead, and no packet has said so.
    for (const end of earlier) end()
    link.heard(probeMs)
    this.#passport.welcomed(id, hello, hello)
    const leave = () => {
      if (!visits.delete(hangUp) || visits.size > 0) return
      this.#passport.left(id, hello.incarnation)
      this.#visits.delete(key)
      this.#links.forget(peer)
    }
    return { from: id, isGuest: this.#links.addressFor(peer) === null, leave }
  }

  hangUpOn(id: NodeId): void {
    for (const hangUp of [...(this.#visits.get(id)?.keys() ?? [])]) hangUp()
  }
}

/**
 * Refuses a copy of a peer's folder: it has the peer's name and disk, and listens elsewhere. While the peer itself
 * speaks from its known address, a copy cannot take the peer's connection away, no more than a stranger can.
 *
 * @throws DoubleError that says so
 */
function refuseCopy({ id, peer: known }: Peer, address: unknown, standing: readonly unknown[]): void {
  const isThere = (place: unknown) => typeof place === 'string' && plainAddress(place) === plainAddress(known)
  if (typeof address !== 'string' || isThere(address) || !standing.some(isThere)) return
  throw new DoubleError(id, known, address)
}
