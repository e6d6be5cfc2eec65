import { isIP } from 'node:net'
import { Client, type ClientDuplexStream, connectivityState, credentials, Metadata } from '@grpc/grpc-js'
import { formatAddress, parseAddress } from '../address.js'
import type { Message } from '../contracts.js'
import type { Proto, Protos } from './grpc-protos.js'
import {
  batchBytes,
  channelOptions,
  type GrpcOptions,
  handshakeMs,
  outboxBytes,
  packetBytes,
  protocolVersion,
  speakPath,
} from './grpc-wire.js'
import type { Link, Peer } from './links.js'
import { lookups } from './lookup.js'
import type { Passport } from './passport.js'

const backoff = { firstMs: 20, capMs: 500 }

/** Options that all links of a node share. */
export type GrpcWorld = GrpcOptions & { readonly passport: Passport }

const same = (bytes: Buffer) => bytes

/**
 * Writes a peer's address as gRPC wants it. Names are looked up here, because gRPC itself looks each name up as often
 * as it likes: a resolver that hangs would hold all the threads on which the disk works as well.
 */
async function targetOf(peer: string, attempt: number): Promise<string> {
  const { host, port } = parseAddress(peer)!
  const found = await lookups.find(host)
  // A target has addresses of one family: each has its turn.
  const families = [...new Set(found.map(({ family }) => family))]
  const family = families[attempt % families.length]
  const addresses = found.filter((one) => one.family === family)
  return `ipv${family}:${addresses.map(({ address }) => formatAddress({ host: address, port })).join()}`
}

/** Writes an IP address as gRPC wants it, without a look-up; null if the host is a name. */
function literalTarget(peer: string): string | null {
  const { host, port } = parseAddress(peer)!
  const family = isIP(host)
  return family === 0 ? null : `ipv${family}:${formatAddress({ host, port })}`
}

/**
 * The stream on which this node sends to one peer. While the stream is down, messages are lost. The channel below finds
 * the peer again by itself; a stream is asked for in advance and begins as soon as there is a connection. For a peer
 * with a host name, the channel is made anew with each stream: the name may lead elsewhere by then.
 */
export class GrpcLink implements Link {
  readonly peer: Peer
  readonly #options: GrpcWorld
  readonly #packet: Proto
  readonly #welcome: Proto
  readonly #target: string | null
  #client: Client | null = null
  readonly #address: () => string | null
  #call: ClientDuplexStream<Buffer, Buffer> | null = null
  #outbox: Outbox | null = null
  #closed = false
  #failures = 0
  #cancelRetry = () => {}

  /** @param address this node's own address for the hello; null if this link is to a guest */
  constructor(peer: Peer, options: GrpcWorld, protos: Protos, address: () => string | null) {
    this.peer = peer
    this.#address = address
    this.#options = options
    this.#packet = protos.message('Packet')
    this.#welcome = protos.message('Welcome')
    this.#target = literalTarget(peer.peer)
  }

  open(): void {
    if (this.#target !== null) {
      this.#client ??= newClient(this.#target)
      this.#speak(this.#client)
      return
    }
    this.#client?.close()
    const speak = (target: string) => {
      if (this.#closed) return
      this.#client = newClient(target)
      this.#speak(this.#client)
    }
    targetOf(this.peer.peer, this.#failures).then(speak, () => this.#lost())
  }

  #speak(client: Client): void {
    const call = client.makeBidiStreamRequest(
      speakPath,
      same,
      same,
      new Metadata({ waitForReady: this.#target !== null }),
    )
    this.#call = call
    const cancelDeadline = this.#expectWelcome(client, call)
    call.once('data', (bytes: Buffer) => {
      cancelDeadline()
      if (this.#isRefused(bytes)) return
      this.#failures = 0
      this.#outbox = new Outbox(call, this.#packet)
      this.#options.notice({ event: 'link_up', peer: this.peer.id })
    })
    // The other side sends nothing more, but its end must be read to be noticed.
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

  /** Checks whether the peer's first packet says that the peer refuses this node, and why. */
  #isRefused(bytes: Buffer): boolean {
    try {
      return this.#options.passport.isRefused(this.#options.self, this.peer.id, this.#welcome.decode(bytes, true))
    } catch {
      return false
    }
  }

  /**
   * Waits for the peer's welcome, and cancels the stream if none comes in time. The stream itself has no deadline, or
   * it would end one day. A dead peer is waited for, but a host name is looked up again.
   */
  #expectWelcome(client: Client, call: ClientDuplexStream<Buffer, Buffer>): () => void {
    let cancel = () => {}
    const arm = () => {
      cancel = this.#options.clock.after(handshakeMs, () => {
        const isConnected = client.getChannel().getConnectivityState(false) === connectivityState.READY
        if (isConnected || this.#target === null) call.cancel()
        else arm()
      })
    }
    arm()
    return () => cancel()
  }

  /**
   * Opens the stream again after a pause that doubles up to a cap, with jitter: a peer that refuses this node is not
   * hammered.
   */
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
    this.#client?.close()
  }
}

function newClient(target: string): Client {
  return new Client(target, credentials.createInsecure(), channelOptions)
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
