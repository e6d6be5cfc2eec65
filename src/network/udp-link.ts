import { isIP, SocketAddress } from 'node:net'
import { type Address, parseAddress } from '../address.js'
import type { Clock, Message } from '../contracts.js'
import { type Datagram, encodeDatagram, type Parcel, unpack } from './datagrams.js'
import { messageBytes, Outbox, Reassembly } from './fragments.js'
import type { Link, Links, Peer } from './links.js'
import { lookups } from './lookup.js'
import type { NetworkOptions } from './options.js'
import { type Pace, TokenBucket } from './pacing.js'
import type { Passport } from './passport.js'
import type { Tally } from './tally.js'

export interface UdpOptions extends NetworkOptions {
  /** How fast datagrams leave for each peer, in bytes with what the kernel needs to keep them. */
  readonly pace?: Pace
}

/** Between two hellos: soon at first, later only now and then; with jitter, so that five nodes do not knock in step. */
const backoff = { firstMs: 20, capMs: 500 }
/** A peer that leaves so many hellos unanswered is away. Counted, not timed: a node that was stopped itself heard nothing either. */
const patience = 4
/**
 * What the kernel needs to keep a datagram besides its bytes. A receiver's buffer, 200 KiB where nobody has raised the
 * limit, is full by this measure, not by what the datagrams carry.
 */
const bookkeepingBytes = 1_024
/** Some 16 MB a second to each peer; and four peers' bursts at once fit into the smallest usual receive buffer. */
const defaultPace: Pace = { perMs: 32 * 1024, burst: 48 * 1024 }
const answer: Parcel = { number: 0, index: 0, count: 1, payload: Buffer.alloc(0) }

/** This end of every link: our process and its socket. */
export interface LocalEnd {
  readonly session: number
  readonly cluster: string
  readonly passport: Passport
  readonly family: 4 | 6
  /** What is kept of the fragments of guests. */
  readonly guests: Tally
  /** More is waiting in this process already than the kernel takes. */
  readonly isBusy: boolean
  send(bytes: Buffer, to: Address): void
}

/**
 * One peer, seen from here. There is no connection: hellos, answered, tell that it is there and hears us; and what is
 * sent leaves in datagrams, no faster than loopback and a busy receiver are likely to bear.
 */
export class UdpLink implements Link {
  readonly peer: Peer
  readonly #options: UdpOptions
  readonly #clock: Clock
  readonly #local: LocalEnd
  readonly #links: Pick<Links<Link>, 'addressFor' | 'forget'>
  readonly #outbox = new Outbox()
  readonly #reassembly: Reassembly
  readonly #bucket: TokenBucket
  #address: Address | null = null
  #closed = false
  /** Whether something will look after the outbox without being asked. */
  #leaving = false
  #cancelPause = () => {}
  #cancelHello = () => {}
  #hellos = 0
  #lastAnswered = 0
  #sinceBackoff = 0
  /** It belonged to another cluster when it was last heard: nothing is sent to it. */
  #isRefused = false
  /** The process of the peer that was last heard of, and the one that is known to hear us. */
  #heard: number | null = null
  #up: number | null = null

  /** @param links where it is known whether this one leads to a peer or a guest */
  constructor(peer: Peer, local: LocalEnd, links: Pick<Links<Link>, 'addressFor' | 'forget'>, options: UdpOptions) {
    this.peer = peer
    this.#local = local
    this.#links = links
    this.#reassembly = new Reassembly(local.guests)
    this.#options = options
    this.#clock = options.clock
    this.#bucket = new TokenBucket(options.pace ?? defaultPace, options.clock)
    const { host, port } = parseAddress(peer.peer)!
    if (isIP(host) === local.family) this.#address = this.#plain(host, port)
  }

  /** As the system writes it when a datagram comes from there. */
  #plain(address: string, port: number): Address {
    return { host: new SocketAddress({ address, family: `ipv${this.#local.family}` }).address, port }
  }

  /** Where its datagrams come from; null until its name has been looked up. */
  get address(): Address | null {
    return this.#address
  }

  open(): void {
    this.#greet()
  }

  /** Says hello, and will again. */
  #greet(): void {
    if (this.#closed) return
    this.#cancelHello()
    this.#reassembly.expire(this.#clock.now())
    if (this.#hellos - this.#lastAnswered >= patience) {
      this.#down()
      this.#links.forget(this.peer)
      if (this.#closed) return
    }
    const pause = Math.min(backoff.firstMs * 2 ** this.#sinceBackoff++, backoff.capMs)
    this.#cancelHello = this.#clock.after(pause * (0.5 + this.#options.random.next() / 2), () => this.#greet())
    this.#hellos++
    if (this.#up !== null) this.#sayHello()
    else this.#locate()
  }

  #sayHello(): void {
    const payload = Buffer.from(JSON.stringify(this.#local.passport.own))
    this.#transmit(this.#greeting, { ...answer, number: this.#hellos, payload })
  }

  get #greeting(): Datagram['kind'] {
    return this.#links.addressFor(this.peer) !== null ? 'hello' : 'callback'
  }

  /** A peer that is away may come back elsewhere, if it goes by a name. */
  #locate(): void {
    const { host, port } = parseAddress(this.peer.peer)!
    lookups.find(host).then(
      (found) => {
        const address = found.find(({ family }) => family === this.#local.family)?.address
        if (address === undefined) return
        this.#address = this.#plain(address, port)
        this.#sayHello()
      },
      // A name that means nothing now may do so at the next hello.
      () => {},
    )
  }

  send(message: Message): void {
    if (this.#closed || this.#isRefused || !this.#address || this.#outbox.isFull) return
    const bytes = this.#options.codec.encode(message)
    if (bytes.length > messageBytes) {
      const reason = `it is ${bytes.length} bytes long; at most ${messageBytes} are carried`
      return this.#options.notice({ event: 'message_lost', peer: this.peer.id, type: message.type, reason })
    }
    this.#outbox.push(bytes)
    if (this.#leaving) return
    this.#leaving = true
    // What is sent in one turn of the event loop shares datagrams.
    process.nextTick(() => this.#pump())
  }

  /** Lets go what may go, and comes back for the rest. */
  #pump(): void {
    while (!this.#closed && !this.#bucket.isEmpty && !this.#local.isBusy) {
      const parcel = this.#outbox.next()
      if (!parcel) {
        this.#leaving = false
        return
      }
      this.#bucket.take(this.#transmit('data', parcel) + bookkeepingBytes)
    }
    if (!this.#closed) this.#cancelPause = this.#clock.after(1, () => this.#pump())
  }

  /** @returns the length of the datagram */
  #transmit(kind: Datagram['kind'], parcel: Parcel): number {
    const { session, cluster } = this.#local
    const { self: from } = this.#options
    const bytes = encodeDatagram({ ...parcel, kind, cluster, session, from, to: this.peer.id })
    if (!this.#closed) this.#local.send(bytes, this.#address!)
    return bytes.length
  }

  /**
   * A datagram from this peer.
   *
   * @returns the messages that it brought or completed
   * @throws Error if it makes no sense
   */
  take(datagram: Datagram): Buffer[] {
    if (datagram.kind === 'hello' || datagram.kind === 'callback') this.#answer(datagram)
    else if (datagram.kind === 'answer') this.#answered(datagram)
    else if (datagram.kind === 'refused') return []
    else if (datagram.count === 1) return unpack(datagram.payload)
    else {
      const message = this.#reassembly.add(datagram, this.#clock.now(), this.#links.addressFor(this.peer) === null)
      if (message) return [message]
    }
    return []
  }

  /** Repeats the hello's number and session, so that an answer to an earlier process of ours is told apart. */
  #answer({ number, session }: Datagram): void {
    const payload = Buffer.alloc(4)
    payload.writeUInt32BE(session)
    this.#isRefused = false
    this.#transmit('answer', { ...answer, number, payload })
    if (this.#heard === session) return
    // A process that has just started is greeted at once: it is found again as soon as it is there.
    this.#heard = session
    this.#sinceBackoff = 0
    this.#greet()
  }

  #answered({ number, session, payload }: Datagram): void {
    if (payload.length !== 4 || payload.readUInt32BE() !== this.#local.session) return
    if (number <= this.#lastAnswered || number > this.#hellos) return
    this.#lastAnswered = number
    this.#isRefused = false
    if (this.#up === session) return
    this.#down()
    this.#up = session
    this.#options.notice({ event: 'link_up', peer: this.peer.id })
  }

  /** The other side belongs to another cluster. */
  refused(): void {
    this.#isRefused = true
    this.#down()
  }

  #down(): void {
    if (this.#up !== null) this.#options.notice({ event: 'link_down', peer: this.peer.id })
    this.#up = null
  }

  close(): void {
    this.#down()
    this.#closed = true
    this.#reassembly.clear()
    this.#cancelHello()
    this.#cancelPause()
  }
}
