import { isIP, SocketAddress } from 'node:net'
import { type Address, parseAddress } from '../address.js'
import type { Clock, Message } from '../contracts.js'
import { type Datagram, encodeDatagram, type Parcel, unpack } from './datagrams.js'
import { messageBytes, Outbox, Reassembly } from './fragments.js'
import type { Link, Links, Peer } from './links.js'
import { type LinkTiming, linkTiming } from './liveness.js'
import { lookups } from './lookup.js'
import type { NetworkOptions } from './options.js'
import { type Pace, TokenBucket } from './pacing.js'
import type { Passport } from './passport.js'
import type { Tally } from './tally.js'

export interface UdpOptions extends NetworkOptions {
  /** The rate at which datagrams leave for each peer, in bytes, the kernel's overhead included. */
  readonly pace?: Pace
}

/**
 * Unanswered hellos after which a peer counts as away. They are counted, not timed: a node that was stopped itself
 * heard nothing either.
 */
const patience = 4
/**
 * Bytes that the kernel needs to keep a datagram besides its payload. By this measure, not by the payload, a receiver's
 * buffer is full; it has 200 KiB where nobody has raised the limit.
 */
const bookkeepingBytes = 1_024
/**
 * The usual pace: some 16 MB a second to each peer. Four peers' bursts together fit into the smallest usual receive
 * buffer.
 */
const defaultPace: Pace = { perMs: 32 * 1024, burst: 48 * 1024 }
const answer: Parcel = { number: 0, index: 0, count: 1, payload: Buffer.alloc(0) }

/** The local end of every link: this node's process and its socket. */
export interface LocalEnd {
  readonly session: number
  readonly cluster: string
  readonly passport: Passport
  readonly family: 4 | 6
  /** The tally of fragments kept for guests. */
  readonly guests: Tally
  /** True while more datagrams wait in this process than the kernel takes at once. */
  readonly isBusy: boolean
  send(bytes: Buffer, to: Address): void
}

/**
 * A link to one peer over UDP. There is no connection: answered hellos tell that the peer is there and hears this node.
 * Messages leave in datagrams, no faster than loopback and a busy receiver are likely to bear.
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
  /** Milliseconds between two hellos: few at first, more later. */
  readonly #pause: LinkTiming['pause']
  #address: Address | null = null
  #closed = false
  /** True while a pump of the outbox is scheduled. */
  #leaving = false
  #cancelPause = () => {}
  #cancelHello = () => {}
  #hellos = 0
  #lastAnswered = 0
  #sinceBackoff = 0
  /** True if the peer refused this node as foreign when it was last heard: nothing is sent to it. */
  #isRefused = false
  /** The session of the peer's process that was last heard; null if none was. */
  #heard: number | null = null
  /** The session of the peer's process that is known to hear this node; null while none is. */
  #up: number | null = null

  /** @param links tells whether this link leads to a peer or to a guest */
  constructor(peer: Peer, local: LocalEnd, links: Pick<Links<Link>, 'addressFor' | 'forget'>, options: UdpOptions) {
    this.peer = peer
    this.#local = local
    this.#links = links
    this.#reassembly = new Reassembly(local.guests)
    this.#options = options
    this.#clock = options.clock
    this.#pause = linkTiming(options.electionMs).pause
    this.#bucket = new TokenBucket(options.pace ?? defaultPace, options.clock)
    const { host, port } = parseAddress(peer.peer)!
    if (isIP(host) === local.family) this.#address = this.#plain(host, port)
  }

  /** Writes an address as the system writes it in the source of a datagram. */
  #plain(address: string, port: number): Address {
    return { host: new SocketAddress({ address, family: `ipv${this.#local.family}` }).address, port }
  }

  /** The address from which the peer's datagrams come; null until its host name has been looked up. */
  get address(): Address | null {
    return this.#address
  }

  open(): void {
    this.#greet()
  }

  /** Sends a hello, and schedules the next one. */
  #greet(): void {
    if (this.#closed) return
    this.#cancelHello()
    this.#reassembly.expire(this.#clock.now())
    if (this.#hellos - this.#lastAnswered >= patience) {
      this.#down()
      this.#links.forget(this.peer)
      if (this.#closed) return
    }
    // With jitter, so that five nodes do not knock in step.
    const { firstMs, capMs } = this.#pause
    const pause = Math.min(firstMs * 2 ** this.#sinceBackoff++, capMs)
    this.#cancelHello = this.#clock.after(pause * (0.5 + this.#options.random.next() / 2), () => this.#greet())
    this.#hellos++
    if (this.#up !== null) this.#sayHello()
    else this.#locate()
  }

  #sayHello(): void {
    const payload = Buffer.from(JSON.stringify(this.#local.passport.hello))
    this.#transmit(this.#greeting, { ...answer, number: this.#hellos, payload })
  }

  get #greeting(): Datagram['kind'] {
    return this.#links.addressFor(this.peer) !== null ? 'hello' : 'callback'
  }

  /**
   * Looks the peer's host name up again, before a hello to a peer that is away: the peer may come back at another
   * address.
   */
  #locate(): void {
    const { host, port } = parseAddress(this.peer.peer)!
    lookups.find(host).then(
      (found) => {
        const address = found.find(({ family }) => family === this.#local.family)?.address
        if (address === undefined) return
        this.#address = this.#plain(address, port)
        this.#sayHello()
      },
      // A name that cannot be found now may be found at the next hello.
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
    // Messages of one turn of the event loop share datagrams.
    process.nextTick(() => this.#pump())
  }

  /** Sends datagrams as far as the pace allows, and comes back for the rest. */
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

  /** Sends one datagram. @returns its length in bytes */
  #transmit(kind: Datagram['kind'], parcel: Parcel): number {
    const { session, cluster, passport } = this.#local
    const { protocols } = passport
    const { self: from } = this.#options
    const isPlain = kind === 'data' || kind === 'answer'
    const protocol = isPlain ? protocols.spokenTo(this.peer.id) : protocols.own.protocols.from
    const bytes = encodeDatagram({ ...parcel, protocol, kind, cluster, session, from, to: this.peer.id })
    if (!this.#closed) this.#local.send(bytes, this.#address!)
    return bytes.length
  }

  /**
   * Takes a datagram from this peer.
   *
   * @returns the messages that the datagram brought or completed
   * @throws Error if the datagram makes no sense
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

  /**
   * Answers a hello. The answer repeats the hello's number and session, so that an answer to an earlier process is told
   * apart.
   */
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
    if (this.#up !== null) this.#options.notice({ event: 'link_down', peer: this.peer.id })
    this.#up = session
    this.#options.notice({ event: 'link_up', peer: this.peer.id })
  }

  /** Tells whether the peer is there, and hears this node. */
  get isUp(): boolean {
    return this.#up !== null
  }

  /** Notes that the peer belongs to another cluster. */
  refused(): void {
    this.#isRefused = true
    this.#down()
  }

  #down(): void {
    if (this.#up !== null) this.#options.notice({ event: 'link_down', peer: this.peer.id })
    this.#local.passport.left(this.peer.id)
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
