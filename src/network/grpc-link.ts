import { type Client, type ClientDuplexStream, connectivityState, Metadata } from '@grpc/grpc-js'
import type { Message } from '../contracts.js'
import type { Proto, Protos } from './grpc-protos.js'
import {
  batchBytes,
  type GrpcOptions,
  handshakeMs,
  outboxBytes,
  packetBytes,
  protocolVersion,
  speakPath,
} from './grpc-wire.js'
import type { Link, Peer } from './links.js'
import { identityIn, type Passport } from './passport.js'

const backoff = { firstMs: 20, capMs: 500 }

/** What a link shares with all others of its node. */
export type GrpcWorld = GrpcOptions & { readonly passport: Passport }

const same = (bytes: Buffer) => bytes

/**
 * The stream on which we speak to one peer. While it is down, what is sent is lost. The channel below finds the peer
 * again by itself; a stream is asked for in advance and begins as soon as there is a connection.
 */
export class GrpcLink implements Link {
  readonly peer: Peer
  readonly #options: GrpcWorld
  readonly #packet: Proto
  readonly #welcome: Proto
  readonly #client: Client
  readonly #address: () => string | null
  #call: ClientDuplexStream<Buffer, Buffer> | null = null
  #outbox: Outbox | null = null
  #closed = false
  #failures = 0
  #cancelRetry = () => {}

  /** @param address where we can be answered; null if this link is to a guest */
  constructor(peer: Peer, options: GrpcWorld, protos: Protos, client: Client, address: () => string | null) {
    this.peer = peer
    this.#address = address
    this.#options = options
    this.#packet = protos.message('Packet')
    this.#welcome = protos.message('Welcome')
    this.#client = client
  }

  open(): void {
    const call = this.#client.makeBidiStreamRequest(speakPath, same, same, new Metadata({ waitForReady: true }))
    this.#call = call
    const cancelDeadline = this.#expectWelcome(call)
    call.once('data', (bytes: Buffer) => {
      cancelDeadline()
      if (this.#isRefused(bytes)) return
      this.#failures = 0
      this.#outbox = new Outbox(call, this.#packet)
      this.#options.notice({ event: 'link_up', peer: this.peer.id })
    })
    // Nothing more is ever said by the other side, but its end must be read to be noticed.
    call.resume()
    call.on('error', () => {})
    call.once('status', () => {
      cancelDeadline()
      this.#lost()
    })
    const { cluster, self } = this.#options
    const answers = { address: this.#address() ?? undefined }
    const identity = this.#options.passport.own
    const hello = { protocol: protocolVersion, cluster, from: self, to: this.peer.id, ...answers, ...identity }
    call.write(this.#packet.encode({ hello }))
  }

  /** A node of another cluster says who it is, and hears nothing more. */
  #isRefused(bytes: Buffer): boolean {
    try {
      return this.#options.passport.refuses(this.peer.id, identityIn(this.#welcome.decode(bytes)))
    } catch {
      return false
    }
  }

  /** A stream has no deadline, or it would end one day; its handshake has. Waiting for a dead peer is no fault of it. */
  #expectWelcome(call: ClientDuplexStream<Buffer, Buffer>): () => void {
    let cancel = () => {}
    const arm = () => {
      cancel = this.#options.clock.after(handshakeMs, () => {
        if (this.#client.getChannel().getConnectivityState(false) === connectivityState.READY) call.cancel()
        else arm()
      })
    }
    arm()
    return () => cancel()
  }

  /** Tries again after a pause that doubles up to a cap, with jitter: a peer that refuses us is not hammered. */
  #lost(): void {
    if (this.#outbox) this.#options.notice({ event: 'link_down', peer: this.peer.id })
    this.#outbox = null
    if (this.#closed) return
    const pause = Math.min(backoff.firstMs * 2 ** this.#failures++, backoff.capMs)
    this.#cancelRetry = this.#options.clock.after(pause * (0.5 + this.#options.random.next() / 2), () => this.open())
  }

  send(message: Message): void {
    if (!this.#outbox?.hasRoom) return
    try {
      const bytes = this.#options.codec.encode(message)
      if (bytes.byteLength > packetBytes) throw new Error(`${bytes.byteLength} bytes are too many for one message`)
      this.#outbox.put(bytes)
    } catch (error) {
      const reason = (error as Error).message
      this.#options.notice({ event: 'message_unsent', peer: this.peer.id, type: message.type, reason })
    }
  }

  close(): void {
    this.#closed = true
    this.#cancelRetry()
    this.#call?.cancel()
    this.#client.close()
  }
}

/**
 * What waits to leave on one stream. All that gathers while a write is under way is the next one: a write costs much
 * more than a message in it.
 */
class Outbox {
  readonly #call: ClientDuplexStream<Buffer, Buffer>
  readonly #packet: Proto
  #waiting: Uint8Array[] = []
  /** Bytes that wait or are being written. */
  #held = 0
  #flushDue = false

  constructor(call: ClientDuplexStream<Buffer, Buffer>, packet: Proto) {
    this.#call = call
    this.#packet = packet
  }

  get hasRoom(): boolean {
    return this.#held <= outboxBytes
  }

  put(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    this.#held += bytes.byteLength
    if (this.#flushDue) return
    this.#flushDue = true
    process.nextTick(() => this.#flush())
  }

  /** One write at a time; the stream would queue a second one anyway, and then it could not grow any more. */
  #flush(): void {
    const messages = this.#takeBatch()
    this.#flushDue = messages.length > 0
    if (messages.length === 0) return
    this.#call.write(this.#packet.encode({ batch: { messages } }), () => {
      for (const { byteLength } of messages) this.#held -= byteLength
      this.#flush()
    })
  }

  /** At least one message, then more as long as they are small: who comes last should not wait for megabytes. */
  #takeBatch(): Uint8Array[] {
    let count = 0
    for (let size = 0; count < this.#waiting.length; count++) {
      size += this.#waiting[count]!.byteLength
      if (size > batchBytes && count > 0) break
    }
    return this.#waiting.splice(0, count)
  }
}
