import { addressProblem } from '../address.js'
import type { Message, NodeId, PeerMember } from '../contracts.js'
import { quoted } from '../text.js'
import type { NetworkOptions } from './options.js'

declare module '../events.js' {
  interface EventDetails {
    /** The link to a peer is up: messages can be sent. */
    link_up: { peer: NodeId }
    /** The link to a peer is lost. */
    link_down: { peer: NodeId }
    /** A peer's address cannot be used. */
    peer_unreachable: { peer: NodeId; reason: string }
    /** A message could not be encoded, or was too long, and was not sent. */
    message_unsent: { peer: NodeId; type: string; reason: string }
    /** A message was too long for the network, and was given up. */
    message_lost: { peer: NodeId; type: string; reason: string }
  }
}

/** Guests that may be answered at the same time. */
const guestLimit = 16

/** Another node, with the address at which it listens for nodes. */
export interface Peer extends Pick<PeerMember, 'id' | 'peer' | 'incarnation'> {
  /** The key that tells a namesake from the peer of the same name; left out for all other nodes. */
  readonly key?: string
}

/** Gives the key under which a link is found: the node's name, unless the node is a namesake. */
export const keyOf = ({ id, key = id }: Peer): string => key

/**
 * A link sends messages to one peer. From open to close it connects, and connects again whenever the connection is
 * lost.
 */
export interface Link {
  readonly peer: Peer
  open(): void
  send(message: Message): void
  close(): void
}

/** A link over a connection of this node's own, which the peer does not use. */
export interface Called extends Link {
  /**
   * Notes that the peer has just connected to this node: a link that is down has reason to try again.
   *
   * @param probeMs milliseconds between the peer's probes; undefined if it sends none of ours
   */
  heard(probeMs: number | undefined): void
}

/**
 * The links of a network: one to each peer, and, where members change, one to each guest. A guest is a node that is not
 * among this node's peers, although this node is among the guest's. It is to be answered: it may be a leader that adds
 * this node before this node knows any member, or a removed node that has not heard of its removal. A namesake is a
 * guest too: it bears a peer's name, and has another disk and another address than that peer. It is answered at its own
 * address, so that it hears that it is not counted.
 */
export class Links<L extends Link> {
  readonly #options: Pick<NetworkOptions, 'self' | 'isOpen' | 'notice'>
  /** The address at which this node listens for nodes. */
  readonly #address: string
  readonly #make: (peer: Peer) => L
  readonly #links = new Map<string, L>()
  /** Addresses of peers that cannot be used, and were reported. */
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

  /** Finds the links to nodes of this name: the peer's or guest's first, then those of its namesakes. */
  all(id: NodeId): L[] {
    const first = this.#links.get(id)
    return [...(first ? [first] : []), ...[...this.#links.values()].filter(({ peer }) => peer.id === id && peer.key)]
  }

  isPeer(id: unknown): id is NodeId {
    return this.#peers.has(id as NodeId)
  }

  /**
   * Makes these members the peers. A guest among them stops being a guest; a link whose address did not change stays
   * open.
   *
   * @returns nodes that are peers no more, or whose names now mean another address: their connections have to end
   */
  setPeers(members: readonly PeerMember[]): NodeId[] {
    const before = this.#peers
    this.#peers = new Map(members.filter(({ id }) => id !== this.#options.self).map((member) => [member.id, member]))
    const removed = [...before.keys()].filter((id) => !this.#peers.has(id))
    for (const id of removed) this.#close(id)
    if (this.#isRunning) for (const peer of this.#peers.values()) this.#reach(peer)
    return [...removed, ...this.#displaced(before)]
  }

  /** Finds peers whose address differs from before. */
  #displaced(before: ReadonlyMap<NodeId, Peer>): NodeId[] {
    return [...this.#peers.values()].flatMap((peer) => {
      const earlier = before.get(peer.id)
      return earlier && earlier.peer !== peer.peer ? [peer.id] : []
    })
  }

  /**
   * Gives the address that this node puts into the hello, so that a non-member can reply. Null towards a guest: two
   * guests that answer each other would keep their links open for ever.
   */
  addressFor(peer: Peer): string | null {
    return peer.key === undefined && this.isPeer(peer.id) ? this.#address : null
  }

  /**
   * Finds the link to a node that has said its name and address. A node that is not a peer becomes a guest.
   *
   * @throws Error that says why the node is not to be heard
   */
  welcome(from: unknown, address: unknown, incarnation = ''): L {
    if (!this.#isRunning) throw new Error("this node's network is not started")
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

  /** Closes the link to a guest that has gone; the link to a peer stays. */
  forget(peer: Peer): void {
    if (!this.isPeer(keyOf(peer))) this.#close(keyOf(peer))
  }

  /**
   * Opens the link to a peer. A peer with an unusable address counts as away, and the other peers do not suffer from
   * it.
   */
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
