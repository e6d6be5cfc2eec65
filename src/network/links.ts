import { addressProblem } from '../address.js'
import type { Message, NodeId, PeerMember } from '../contracts.js'
import { quoted } from '../text.js'
import type { NetworkOptions } from './options.js'

declare module '../events.js' {
  interface EventDetails {
    /** The way to a peer stands, or is lost. */
    link_up: { peer: NodeId }
    link_down: { peer: NodeId }
    peer_unreachable: { peer: NodeId; reason: string }
    /** A message could not be sent, or was given up on its way. */
    message_unsent: { peer: NodeId; type: string; reason: string }
    message_lost: { peer: NodeId; type: string; reason: string }
  }
}

/** So many who are no peers of ours may be answered at a time. */
const guestLimit = 16

/** Another node, and where it listens for nodes. */
export interface Peer extends Pick<PeerMember, 'id' | 'peer' | 'incarnation'> {
  /** Tells a namesake of a peer from that peer. */
  readonly key?: string
}

/** By what a link is found: the node's name, unless it is a namesake's. */
export const keyOf = ({ id, key = id }: Peer): string => key

/** The way to one peer: finds it, and finds it again, from when it is opened until it is closed. */
export interface Link {
  readonly peer: Peer
  open(): void
  send(message: Message): void
  close(): void
}

/**
 * The links of a network: one to each of its peers, and, where members change, one to each guest. A guest is no peer of
 * ours, but we are one of its, and it is to be answered: a leader that takes us in before we know of anybody, or a
 * removed node that has not heard of it. A namesake is a guest too: it bears a peer's name, and has another disk and
 * another address than that peer; it is answered where it is, so that it hears that it does not count.
 */
export class Links<L extends Link> {
  readonly #options: Pick<NetworkOptions, 'self' | 'isOpen' | 'notice'>
  /** Where we listen ourselves. */
  readonly #address: string
  readonly #make: (peer: Peer) => L
  readonly #links = new Map<string, L>()
  /** Addresses that lead nowhere, and were told of. */
  readonly #unreachable = new Map<NodeId, string>()
  #peers = new Map<NodeId, Peer>()
  #isRunning = false

  constructor(options: Pick<NetworkOptions, 'self' | 'members' | 'isOpen' | 'notice'>, make: (peer: Peer) => L) {
    this.#options = options
    this.#address = options.members.find(({ id }) => id === options.self)!.peer
    this.#make = make
    this.setPeers(options.members)
  }

  open(): void {
    this.#isRunning = true
    for (const peer of this.#peers.values()) this.#reach(peer)
  }

  close(): void {
    this.#isRunning = false
    for (const key of [...this.#links.keys()]) this.#close(key)
  }

  send(message: Message): void {
    const { to, disk } = message
    const link = (disk !== undefined && this.#links.get(namesake(to, disk))) || this.#links.get(to)
    link?.send(message)
  }

  /** The links to nodes of this name: the peer's or guest's first, then those of its namesakes. */
  all(id: NodeId): L[] {
    const first = this.#links.get(id)
    return [...(first ? [first] : []), ...[...this.#links.values()].filter(({ peer }) => peer.id === id && peer.key)]
  }

  isPeer(id: unknown): id is NodeId {
    return this.#peers.has(id as NodeId)
  }

  /**
   * Guests among them are so no more; links that lead where they should are left alone.
   *
   * @returns those that are peers no more, or under whose names other nodes are meant now: they have to say anew who they are
   */
  setPeers(members: readonly PeerMember[]): NodeId[] {
    const before = this.#peers
    this.#peers = new Map(members.filter(({ id }) => id !== this.#options.self).map((member) => [member.id, member]))
    const removed = [...before.keys()].filter((id) => !this.#peers.has(id))
    for (const id of removed) this.#close(id)
    if (this.#isRunning) for (const peer of this.#peers.values()) this.#reach(peer)
    return [...removed, ...this.#displaced(before)]
  }

  /** Peers with another disk at another address than before. */
  #displaced(before: ReadonlyMap<NodeId, Peer>): NodeId[] {
    return [...this.#peers.values()].flatMap((peer) => {
      const earlier = before.get(peer.id)
      return earlier && earlier.peer !== peer.peer ? [peer.id] : []
    })
  }

  /** Where a link to this node may be answered; null if it is one that answers. Two guests of each other would never part. */
  addressFor(peer: Peer): string | null {
    return peer.key === undefined && this.isPeer(peer.id) ? this.#address : null
  }

  /**
   * The link to whoever says that it is this node and listens there: to a peer, or to a guest from now on.
   *
   * @throws Error that says why it is not to be heard
   */
  welcome(from: unknown, address: unknown, incarnation = ''): L {
    if (!this.#isRunning) throw new Error('we are not there')
    const peer = this.#peers.get(from as NodeId)
    const standing = peer && this.#links.get(peer.id)
    if (standing && !isNamesake(peer, address, incarnation)) return standing
    const stranger = `${quoted(from)} is no peer of ours`
    if (!this.#options.isOpen) throw new Error(stranger)
    if (typeof from !== 'string' || from === '' || from === this.#options.self) throw new Error(stranger)
    const place = typeof address === 'string' ? address : ''
    const problem = addressProblem(place)
    if (problem) throw new Error(`${stranger}, and does not say where it could be answered: ${problem}`)
    const key = peer ? namesake(from, incarnation) : from
    const guests = [...this.#links.keys()].filter((other) => other !== key && !this.isPeer(other))
    if (guests.length >= guestLimit) throw new Error(`${stranger}, and there are ${guestLimit} such already`)
    return this.#open(peer ? { id: from, peer: place, key } : { id: from, peer: place })
  }

  /** A guest has gone. */
  forget(peer: Peer): void {
    if (!this.isPeer(keyOf(peer))) this.#close(keyOf(peer))
  }

  /** A peer at an address that leads nowhere is one that is away: nobody else is to suffer from it. */
  #reach(peer: Peer): void {
    const problem = addressProblem(peer.peer)
    if (!problem) return void this.#open(peer)
    this.#close(peer.id)
    if (this.#unreachable.get(peer.id) === peer.peer) return
    this.#unreachable.set(peer.id, peer.peer)
    this.#options.notice({ event: 'peer_unreachable', peer: peer.id, reason: `its address must be ${problem}` })
  }

  #open(peer: Peer): L {
    const key = keyOf(peer)
    const standing = this.#links.get(key)
    if (standing?.peer.peer === peer.peer) return standing
    this.#close(key)
    const link = this.#make(peer)
    this.#links.set(key, link)
    link.open()
    return link
  }

  #close(key: string): void {
    this.#links.get(key)?.close()
    this.#links.delete(key)
  }
}

const namesake = (id: NodeId, incarnation: string) => `${id} ${incarnation}`

function isNamesake(peer: Peer, address: unknown, incarnation: string): boolean {
  if (typeof peer.incarnation !== 'string' || incarnation === '' || incarnation === peer.incarnation) return false
  return typeof address === 'string' && address !== peer.peer
}
