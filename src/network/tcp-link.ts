import { connect, type Socket } from 'node:net'
import { parseAddress } from '../address.js'
import type { Message } from '../contracts.js'
import { encodeFrames, FrameDecoder } from './framing.js'
import { parseStranger } from './json-shape.js'
import type { Called, Peer } from './links.js'
import { type LinkTiming, linkTiming, Pulse, Redial } from './liveness.js'
import { lookup } from './lookup.js'
import type { NetworkOptions } from './options.js'
import type { Passport } from './passport.js'
import type { Refusals } from './refusals.js'
import { describeTlsError, isTlsError } from './tls-errors.js'

/** Bytes that may wait for one peer; further messages are lost, as the network may lose any message. */
const outboxBytes = 16 * 1024 * 1024
/** Bytes of a refusal at most: who refuses this node, and where a double speaks. */
const refusalBytes = 1024
/** A frame without content: a probe, or the answer to one. */
export const probe = encodeFrames([''])

/** The parts that all links of a node share. */
export interface Site extends NetworkOptions {
  readonly passport: Passport
  readonly refusals: Refusals
}

/** The connection on which this node sends to one peer. While it is down, messages are lost. */
export class TcpLink implements Called {
  readonly peer: Peer
  readonly #address: () => string | null
  readonly #options: Site
  readonly #timing: LinkTiming
  readonly #redial: Redial
  #socket: Socket | null = null
  #pulse: Pulse | null = null
  /** True if the peer is known to answer probes; nodes of earlier builds do not. */
  #answersProbes = false
  #up = false
  /** True if the event `link_up` was reported for this connection. */
  #isNoticed = false
  /** True if the peer has said anything on this connection. */
  #hasSpoken = false
  #closed = false
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #cancelNotice = () => {}

  /** @param address this node's own address for the hello; null if this link is to a guest */
  constructor(peer: Peer, options: Site, address: () => string | null) {
    this.peer = peer
    this.#address = address
    this.#options = options
    this.#timing = linkTiming(options.electionMs)
    this.#redial = new Redial(this.#timing, options, () => this.#connect())
  }

  open(): void {
    this.#redial.now()
  }

  heard(probeMs: number | undefined): void {
    this.#answersProbes = probeMs !== undefined
    if (!this.#answersProbes) this.#pulse?.stop()
    if (!this.#up && !this.#closed) this.#redial.heard()
  }

  #connect(): void {
    this.#socket?.destroy()
    const { clock, tls, passport } = this.#options
    const where = parseAddress(this.peer.peer)!
    const socket = tls?.call(where, this.peer.id) ?? connect({ ...where, noDelay: true, keepAlive: true, lookup })
    this.#socket = socket
    this.#pulse = null
    const cancelTimeout = clock.after(this.#timing.connectMs, () => socket.destroy())
    socket.on(tls ? 'secureConnect' : 'connect', () => {
      cancelTimeout()
      this.#up = true
      const { cluster, self } = this.#options
      const answers = { address: this.#address() ?? undefined, probeMs: this.#timing.probeMs }
      const { hello, protocols } = passport
      const names = { cluster, from: self, to: this.peer.id, ...answers, ...hello }
      const protocol = protocols.spokenTo(this.peer.id)
      socket.write(encodeFrames([JSON.stringify({ type: 'Hello', protocol, ...names })]))
      if (this.#answersProbes) this.#watch(socket)
      else this.#cancelNotice = clock.after(this.#timing.pause.capMs, () => this.#noticeUp())
    })
    socket.on('error', (error) => {
      if (isTlsError(error)) this.#refuses(error)
      socket.destroy()
    })
    socket.on('close', () => {
      cancelTimeout()
      if (socket === this.#socket) this.#lost()
    })
    this.#read(socket)
  }

  /** Tells that the peer's certificate is not the peer's, or that the peer does not take this node's. */
  #refuses(error: Error): void {
    this.#options.refusals.report(this.peer.id, this.peer.peer, describeTlsError(error))
  }

  #watch(socket: Socket): void {
    this.#pulse ??= new Pulse(socket, this.#options.clock, probe, this.#timing.probeMs, true)
  }

  #noticeUp(): void {
    if (this.#isNoticed) return
    this.#cancelNotice()
    this.#isNoticed = true
    this.#options.notice({ event: 'link_up', peer: this.peer.id })
  }

  /** Reads answers to probes, or the other side's refusal. The other side sends nothing else. */
  #read(socket: Socket): void {
    const decoder = new FrameDecoder(refusalBytes)
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      this.#hasSpoken = true
      for (let decoded = decoder.next(); decoded && !socket.destroyed; decoded = decoder.next()) {
        if ('bytes' in decoded && decoded.bytes.length === 0) {
          this.#answersProbes = true
          this.#watch(socket)
          this.#noticeUp()
          continue
        }
        const said = 'bytes' in decoded ? parseStranger(decoded.bytes) : {}
        if ('value' in said) this.#options.passport.isRefused(this.#options.self, this.peer.id, said.value)
        socket.destroy()
      }
    })
  }

  #lost(): void {
    if (this.#isNoticed) this.#options.notice({ event: 'link_down', peer: this.peer.id })
    this.#cancelNotice()
    if (this.#up && !this.#hasSpoken) this.#options.passport.protocols.forget(this.peer.id)
    this.#hasSpoken = false
    this.#isNoticed = false
    this.#up = false
    this.#waiting = []
    this.#waitingBytes = 0
    if (!this.#closed) this.#redial.later()
  }

  /** Queues a message for the peer. All messages of one turn of the event loop leave in one write. */
  send(message: Message): void {
    if (!this.#up || this.#socket!.writableLength + this.#waitingBytes > outboxBytes) return
    const bytes = this.#options.codec.encode(message)
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waiting.length === 1) process.nextTick(() => this.#flush())
  }

  #flush(): void {
    if (this.#waiting.length === 0) return
    this.#socket!.write(encodeFrames(this.#waiting))
    this.#waiting = []
    this.#waitingBytes = 0
  }

  close(): void {
    this.#closed = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#redial.stop()
    this.#cancelNotice()
    this.#socket?.destroy()
  }
}
