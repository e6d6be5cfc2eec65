import { type Address, parseAddress } from '../address.js'
import type { Clock, Codec, Event, Member, NodeId, Random } from '../contracts.js'
import type { Release } from './protocols.js'
import type { NodeTls } from './tls.js'

export interface NetworkOptions {
  readonly self: NodeId
  readonly members: readonly Member[]
  /** The address to listen at, if it is another than the one that the members know: behind a NAT, or in a container. */
  readonly listen?: string | undefined
  /** The cluster's name, which all its nodes share; a connection from another cluster is refused. */
  readonly cluster: string
  /** True if nodes that are not members are heard and answered, which is needed where members change. */
  readonly isOpen: boolean
  readonly codec: Codec
  /** Facts of this node's program for its hello; those of this release, and no stage, if it is left out. */
  readonly release?: Release
  /** The election time-out, at least, in milliseconds: a dead link should be replaced sooner. */
  readonly electionMs: number
  readonly clock: Clock
  readonly random: Random
  /** The node's certificate, where nodes speak TLS with each other; without it they speak plainly. */
  readonly tls?: NodeTls | undefined
  /** Called with events: links that come and go, and strangers that were turned away. */
  readonly notice: (event: Event) => void
}

/** Finds the address at which a node listens for other nodes. */
export function ownAddress({ self, members, listen }: Pick<NetworkOptions, 'self' | 'members' | 'listen'>): Address {
  return parseAddress(listen ?? members.find(({ id }) => id === self)!.peer)!
}
