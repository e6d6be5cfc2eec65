import type { Member, Message, NodeId } from '../contracts.js'
import { parseAddress } from './address.js'
import type { TcpOptions } from './tcp.js'

/** So many who are no peers of ours may be answered at a time. */
const guestLimit = 16

/** Another node, and where it listens for nodes. */
export type Peer = Pick<Member, 'id' | 'peer'>

/** The way to one peer: finds it, and finds it again, from when it is opened until it is closed. */
export interface Link {
  readonly peer: Peer
  open(): void
  send(message: Message): void
  close(): void
}

/** What a stranger said, short enough for an event. */
export function quoted(said: unknown): string {
  const text = JSON.stringify(typeof said === 'string' ? said.slice(0, 64) : said) ?? String(said)
  return text.length > 128 ? `${text.slice(0, 127)}…` : text
}

/**
 * The links of a network: one to each of its peers, and, where members change, one to each guest. A guest is no peer of
 * ours, but we are one of its, and it is to be answered: a leader that takes us in before we know of anybody, or a
 * removed node that has not heard of it.
 */
export class Links<L extends Link> {
  readonly #options: Pick<TcpOptions, 'self' | 'isOpen'>
  /** Where we listen ourselves. */
  readonly #address: string
  readonly #make: (peer: Peer) => L
  readonly #links = new Map<NodeId, L>()
  #peers = new Map<NodeId, Peer>()
  #isRunning = false

  constructor(options: Pick<TcpOptions, 'self' | 'members' | 'isOpen'>, make: (peer: Peer) => L) {
    this.#options = options
    this.#address = options.members.find(({ id }) => id === options.self)!.peer
    this.#make = make
    this.setPeers(options.members)
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

  /** Guests among them are so no more; links that lead where they should are left alone. @returns those that are peers no more */
  setPeers(members: readonly Member[]): NodeId[] {
    const before = this.#peers
    this.#peers = new Map(members.filter(({ id }) => id !== this.#options.self).map((member) => [member.id, member]))
    const removed = [...before.keys()].filter((id) => !this.#peers.has(id))
    for (const id of removed) this.#close(id)
    if (this.#isRunning) for (const peer of this.#peers.values()) this.#open(peer)
    return removed
  }

  /** Where a link to this node may be answered; null if it is one that answers. Two guests of each other would never part. */
  addressFor(id: NodeId): string | null {
    return this.isPeer(id) ? this.#address : null
  }

  /**
   * The link to whoever says that it is this node and listens there: to a peer, or to a guest from now on.
   *
   * @throws Error that says why it is not to be heard
   */
  welcome(from: unknown, address: unknown): L {
    if (!this.#isRunning) throw new Error('we are not there')
    if (this.isPeer(from)) return this.#links.get(from)!
    const stranger = `${quoted(from)} is no peer of ours`
    if (!this.#options.isOpen) throw new Error(stranger)
    if (typeof from !== 'string' || from === '' || from === this.#options.self) throw new Error(stranger)
    if (typeof address !== 'string' || address.length > 512 || !parseAddress(address)) {
      throw new Error(`${stranger}, and does not say where it could be answered`)
    }
    const guests = [...this.#links.keys()].filter((id) => id !== from && !this.isPeer(id))
    if (guests.length >= guestLimit) throw new Error(`${stranger}, and there are ${guestLimit} such already`)
    return this.#open({ id: from, peer: address })
  }

  /** A guest has gone. */
  forget(id: NodeId): void {
    if (!this.isPeer(id)) this.#close(id)
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
