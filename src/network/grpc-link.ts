import { connect } from 'node:net'
import { Client, type ClientDuplexStream, credentials, type StatusObject, status } from '@grpc/grpc-js'
import { formatAddress, parseAddress } from '../address.js'
import type { Clock, Message } from '../contracts.js'
import type { Proto, Protos } from './grpc-protos.js'
import {
  batchBytes,
  channelOptions,
  type GrpcOptions,
  outboxBytes,
  packetBytes,
  releaseFields,
  speakPath,
  withRelease,
} from './grpc-wire.js'
import type { Called, Peer } from './links.js'
import { type LinkTiming, linkTiming, Redial } from './liveness.js'
import { lookup } from './lookup.js'
import type { Passport } from './passport.js'
import type { Refusals } from './refusals.js'

/** Options that all links of a node share. */
export type GrpcWorld = GrpcOptions & { readonly passport: Passport; readonly refusals: Refusals }

const same = (bytes: Buffer) => bytes

/**
 * Tries whether a peer takes connections. An attempt whose packets are lost ends after `connectMs` here; gRPC would not
 * give it up, nor free its socket. Names are looked up here, too: gRPC itself looks each name up as often as it likes,
 * and a resolver that hangs would hold all the threads on which the disk works as well.
 *
 * @param found called once: with the address that answered, as gRPC wants it, or with null
 * @returns a function that ends the attempt; `found` is not called any more
 */
function knock(peer: string, connectMs: number, clock: Clock, found: (target: string | null) => void): () => void {
  const { host, port } = parseAddress(peer)!
  const socket = connect({ host, port, lookup })
  let target: string | null = null
  const cancelTimeout = clock.after(connectMs, () => socket.destroy())
  socket.once('connect', () => {
    const { remoteAddress, remoteFamily } = socket
    if (remoteAddress !== undefined)
      target = `${remoteFamily!.toLowerCase()}:${formatAddress({ host: remoteAddress, port })}`
    socket.destroy()
  })
  socket.on('error', () => {})
  socket.once('close', () => {
    cancelTimeout()
    found(target)
  })
  return () => {
    cancelTimeout()
    socket.removeAllListeners('close').destroy()
  }
}

/**
 * The stream on which this node sends to one peer. While the stream is down, messages are lost. Each stream has a
 * channel of its own: the peer's name may lead elsewhere by then, and a channel's own attempts would be further and
 * further apart.
 */
export class GrpcLink implements Called {
  readonly peer: Peer
  readonly #options: GrpcWorld
  readonly #packet: Proto
  readonly #welcome: Proto
  readonly #timing: LinkTiming
  readonly #redial: Redial
  #client: Client | null = null
  readonly #address: () => string | null
  #call: ClientDuplexStream<Buffer, Buffer> | null = null
  #outbox: Outbox | null = null
  /** True if the peer has said anything on this stream. */
  #hasSpoken = false
  #closed = false
  #cancelKnock = () => {}

  /** @param address this node's own address for the hello; null if this link is to a guest */
  constructor(peer: Peer, options: GrpcWorld, protos: Protos, address: () => string | null) {
    this.peer = peer
    this.#address = address
    this.#options = options
    this.#packet = protos.message('Packet')
    this.#welcome = protos.message('Welcome')
    this.#timing = linkTiming(options.electionMs)
    this.#redial = new Redial(this.#timing, options, () => this.#connect())
  }

  open(): void {
    this.#redial.now()
  }

  heard(): void {
    if (!this.#call && !this.#closed) this.#redial.heard()
  }

  #connect(): void {
    this.#cancelKnock()
    this.#cancelKnock = knock(this.peer.peer, this.#timing.connectMs, this.#options.clock, (target) => {
      if (target === null) return this.#lost()
      this.#client = this.#clientOf(target)
      this.#speak(this.#client)
    })
  }

  #clientOf(target: string): Client {
    const { tls } = this.#options
    const options = channelOptions(this.#timing)
    if (!tls) return new Client(target, credentials.createInsecure(), options)
    const { id } = this.peer
    const secure = credentials.createFromSecureContext(tls.context, { checkServerIdentity: tls.checkOf(id) })
    return new Client(target, secure, { ...options, 'grpc.ssl_target_name_override': id })
  }

  #speak(client: Client): void {
    const call = client.makeBidiStreamRequest(speakPath, same, same)
    this.#call = call
    // The stream itself has no deadline, or it would end one day.
    const cancelDeadline = this.#options.clock.after(this.#timing.welcomeMs, () => call.cancel())
    call.once('data', (bytes: Buffer) => {
      this.#hasSpoken = true
      cancelDeadline()
      if (this.#isRefused(bytes)) return
      this.#outbox = new Outbox(call, this.#packet)
      this.#options.notice({ event: 'link_up', peer: this.peer.id })
    })
    // The other side sends nothing more, but its end must be read to be noticed.
    call.resume()
    call.on('error', () => {})
    call.once('status', (ended: StatusObject) => {
      cancelDeadline()
      if (this.#options.tls) this.#tellRefusal(ended)
      this.#lost()
    })
    const { cluster, self } = this.#options
    const answers = { address: this.#address() ?? undefined }
    const { own, protocols } = this.#options.passport
    const names = { cluster, from: self, to: this.peer.id, ...answers, ...own, ...releaseFields(protocols.own) }
    const hello = { protocol: protocols.spokenTo(this.peer.id), ...names }
    call.write(this.#packet.encode({ hello }))
  }

  /** Tells that no channel was made because the peer's certificate is not the peer's, or not good. */
  #tellRefusal({ code, details }: StatusObject): void {
    const { refusals } = this.#options
    if (code === status.UNAVAILABLE && /certificate/i.test(details))
      refusals.report(this.peer.id, this.peer.peer, details.replace(/^.*Last error: /s, ''))
  }

  /** Checks whether the peer's first packet says that the peer refuses this node, and why. */
  #isRefused(bytes: Buffer): boolean {
    try {
      const said = withRelease(this.#welcome.decode(bytes, true))
      return this.#options.passport.isRefused(this.#options.self, this.peer.id, said)
    } catch {
      return false
    }
  }

  #lost(): void {
    if (this.#outbox) this.#options.notice({ event: 'link_down', peer: this.peer.id })
    if (this.#call && !this.#hasSpoken) this.#options.passport.protocols.forget(this.peer.id)
    this.#hasSpoken = false
    this.#client?.close()
    this.#client = null
    this.#call = null
    this.#outbox = null
    if (!this.#closed) this.#redial.later()
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
    this.#redial.stop()
    this.#cancelKnock()
    this.#call?.cancel()
    this.#client?.close()
  }
}

/**
 * Messages that wait to leave on one stream. All messages that gather while a write is under way make the next write: a
 * write costs much more than a message in it.
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

  /**
   * Starts the next write. Only one write is under way at a time: a second one would wait in the stream, and could not
   * grow any more.
   */
  #flush(): void {
    const messages = this.#takeBatch()
    this.#flushDue = messages.length > 0
    if (messages.length === 0) return
    this.#call.write(this.#packet.encode({ batch: { messages } }), () => {
      for (const { byteLength } of messages) this.#held -= byteLength
      this.#flush()
    })
  }

  /**
   * Takes one message at least, then more as long as they are small together: a message should not wait for megabytes.
   */
  #takeBatch(): Uint8Array[] {
    let count = 0
    for (let size = 0; count < this.#waiting.length; count++) {
      size += this.#waiting[count]!.byteLength
      if (size > batchBytes && count > 0) break
    }
    return this.#waiting.splice(0, count)
  }
}
