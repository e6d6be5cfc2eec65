import type { Member, Message, NodeId } from '../contracts.js'

/** Another node, and where it listens for nodes. */
export type Peer = Pick<Member, 'id' | 'peer'>

/** The way to one peer: finds it, and finds it again, from when it is opened until it is closed. */
export interface Link {
  readonly peer: Peer
  open(): void
  send(message: Message): void
  close(): void
}

/** The links of a network, one to each of its peers; whatever the network, peers come and go in the same way. */
export class Links<L extends Link> {
  readonly #self: NodeId
  readonly #make: (peer: Peer) => L
  readonly #links = new Map<NodeId, L>()
  #peers = new Map<NodeId, Peer>()
  #isRunning = false

  constructor(self: NodeId, members: readonly Member[], make: (peer: Peer) => L) {
    this.#self = self
    this.#make = make
    this.setPeers(members)
  }

  open(): void {
    this.#isRunning = true
    for (const peer of this.#peers.values()) this.#open(peer)
  }

  close(): void {
    this.#isRunning = false
    for (const id of [...this.#links.keys()]) this.#close(id)
  }

  send(message: Message): void {
    this.#links.get(message.to)?.send(message)
  }

  get(id: NodeId): L | undefined {
    return this.#links.get(id)
  }

  isPeer(id: unknown): id is NodeId {
    return this.#peers.has(id as NodeId)
  }

  /** Links that lead where they should are left alone. @returns those that are peers no more */
  setPeers(members: readonly Member[]): NodeId[] {
    const before = this.#peers
    this.#peers = new Map(members.filter(({ id }) => id !== this.#self).map((member) => [member.id, member]))
    const removed = [...before.keys()].filter((id) => !this.#peers.has(id))
    for (const id of removed) this.#close(id)
    if (this.#isRunning) for (const peer of this.#peers.values()) this.#open(peer)
    return removed
  }

  #open(peer: Peer): L {
    const standing = this.#links.get(peer.id)
    if (standing?.peer.peer === peer.peer) return standing
    this.#close(peer.id)
    const link = this.#make(peer)
    this.#links.set(peer.id, link)
    link.open()
    return link
  }

  #close(id: NodeId): void {
    this.#links.get(id)?.close()
    this.#links.delete(id)
  }
}

/** Connections that other nodes have made to us, by who made them. */
export class Visits {
  readonly #visits = new Map<NodeId, Set<() => void>>()

  /** @param hangUp ends the connection. @returns what to call when it has ended, however it did */
  enter(from: NodeId, hangUp: () => void): () => void {
    const visits = this.#visits.get(from) ?? new Set()
    this.#visits.set(from, visits.add(hangUp))
    return () => {
      visits.delete(hangUp)
      if (visits.size === 0 && this.#visits.get(from) === visits) this.#visits.delete(from)
    }
  }

  hangUpOn(id: NodeId): void {
    for (const hangUp of this.#visits.get(id) ?? []) hangUp()
  }
}
