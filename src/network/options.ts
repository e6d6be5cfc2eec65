import type { Clock, Codec, Event, Member, NodeId, Random } from '../contracts.js'

export interface NetworkOptions {
  readonly self: NodeId
  readonly members: readonly Member[]
  /** Nodes of one cluster share it; a stranger's connection is refused. */
  readonly cluster: string
  /** Whether a node of the cluster that is no member is heard, and answered: where members change, it may have to be. */
  readonly isOpen: boolean
  readonly codec: Codec
  readonly clock: Clock
  readonly random: Random
  /** Hears of links that come and go, and of strangers that were turned away. */
  readonly notice: (event: Event) => void
}
