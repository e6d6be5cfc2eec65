import { type ServerDuplexStream, ServerInterceptingCall, type ServerInterceptor, status } from '@grpc/grpc-js'
import type { Address } from '../address.js'
import type { Message, NodeId } from '../contracts.js'
import { oneLine } from '../text.js'
import { connectionLimits } from './connection-limits.js'
import { clientServices } from './grpc-app.js'
import type { GrpcWorld } from './grpc-link.js'
import { GrpcPort } from './grpc-port.js'
import type { Proto, Protos } from './grpc-protos.js'
import { handshakeMs, releaseFields, speakPath, withRelease } from './grpc-wire.js'
import type { Called, Links } from './links.js'
import { DoubleError, ForeignError } from './passport.js'
import { ProtocolError, releaseIn } from './protocols.js'
import type { Refusals } from './refusals.js'
import { type Hello, Visits } from './visits.js'

type Speech = ServerDuplexStream<Buffer, Buffer>

/** Bytes of a stranger's first packet at most. The packet says who the stranger is, and where it listens. */
const helloBytes = 4 * 1024
/** The reason that ends the calls of a node which this node no longer counts as its peer. */
const noLongerPeer = 'the receiver no longer counts the sender as a peer'

/** The port for peers, and for clients that speak gRPC; where TLS is spoken, for peers alone. */
export class GrpcServer {
  readonly #options: GrpcWorld
  readonly #packet: Proto
  readonly #welcome: Proto
  readonly #visits: Visits
  readonly #refusals: Refusals
  readonly #port: GrpcPort
  #receive: (message: Message) => void = () => {}

  constructor(options: GrpcWorld, protos: Protos, links: Links<Called>) {
    this.#options = options
    this.#visits = new Visits(options, links, options.passport)
    this.#refusals = options.refusals
    this.#packet = protos.message('Packet')
    this.#welcome = protos.message('Welcome')
    const dropped = (remote: string | undefined, reason: string) =>
      options.notice({ event: 'client_dropped', remote, reason })
    const turnedAway = (remote: string | undefined, reason: string) => this.#refused(null, remote, reason)
    const { clock, callBounds, tls } = options
    const limit = connectionLimits().peers
    const gate = tls?.gateFor('nodes over h2')
    this.#port = new GrpcPort({ clock, limit, callBounds, gate, dropped, turnedAway }, [this.#reportStatus])
    const { Speak } = protos.service('RaftService')
    // Bytes are decoded here, not by gRPC: so what is wrong with them can be said.
    const raw = { ...Speak!, requestDeserialize: (bytes: Buffer) => bytes, responseSerialize: (bytes: Buffer) => bytes }
    this.#port.server.addService({ Speak: raw }, { Speak: (call: Speech) => this.#listen(call) })
    if (options.served)
      for (const service of clientServices(options.served, options.schemas, this.#port.calls))
        this.#port.server.addService(...service)
  }

  async listen(address: Address, receive: (message: Message) => void): Promise<void> {
    this.#receive = receive
    await this.#port.listen(address)
  }

  /** Ends the connections on which this peer sends to us. */
  hangUpOn(id: NodeId): void {
    this.#visits.hangUpOn(id)
  }

  close(): Promise<void> {
    return this.#port.close()
  }

  /**
   * Reads a peer's messages. A sender that is not a peer, or that breaks the protocol, is turned away, and the reason
   * is reported.
   */
  #listen(call: Speech): void {
    let peer: NodeId | null = null
    let [isOver, leave] = [false, () => {}]
    const over = () => {
      isOver = true
      cancelDeadline()
      leave()
    }
    const end = (details: string) => {
      over()
      call.emit('error', { code: status.FAILED_PRECONDITION, details })
    }
    const turnAway = (why: string) => {
      if (isOver) return
      // The reason may quote what the stranger sent, and has to fit into a header.
      const reason = oneLine(why, 256)
      this.#refused(peer, hostOf(call.getPeer()), reason)
      end(reason)
    }
    const cancelDeadline = this.#options.clock.after(handshakeMs, () => turnAway('it did not say who it is'))
    call.on('cancelled', over)
    call.on('end', () => {
      over()
      call.end()
    })
    call.on('data', (bytes: Buffer) => {
      if (isOver) return
      try {
        const packet = this.#packetOf(bytes, peer === null)
        if (peer === null) {
          const hello = checkHello(packet.hello)
          this.#options.tls?.checkCaller(this.#port.socketOf(call.getPeer()), hello.from)
          const visit = this.#visits.enter(hello, () => end(noLongerPeer))
          peer = visit.from
          leave = visit.leave
          cancelDeadline()
          this.#isHeard(call.getPeer(), !visit.isGuest)
          call.write(Buffer.alloc(0))
        } else {
          if (!packet.batch) throw new Error('a packet without messages')
          for (const message of packet.batch.messages) if (!isOver) this.#receive(this.#check(message, peer))
        }
      } catch (error) {
        const isAnswered = [ForeignError, DoubleError, ProtocolError].some((kind) => error instanceof kind)
        if (!isAnswered) return turnAway((error as Error).message)
        over()
        this.#sayWhoRefuses(call, error as Error)
      }
    })
  }

  /** Decodes a packet. @throws Error if a stranger's first packet is longer than any Hello */
  #packetOf(bytes: Buffer, isFirst: boolean): { hello?: Greeting; batch?: { messages: readonly Buffer[] } } {
    if (isFirst && bytes.length > helloBytes) throw new Error('its first packet is longer than a Hello')
    return this.#packet.decode(bytes, true)
  }

  /**
   * Tells a node of another cluster, a copy of a peer's folder, or a node that speaks another version, who refuses it:
   * otherwise it would never know why it gets no answer.
   */
  #sayWhoRefuses(call: Speech, error: Error): void {
    const { own, protocols } = this.#options.passport
    const double = error instanceof DoubleError ? error.address : ''
    const release = error instanceof ProtocolError ? releaseFields(protocols.own) : {}
    const isSaid = double !== '' || (error instanceof ProtocolError && error.isFinal)
    if (isSaid) this.#refused(null, hostOf(call.getPeer()), error.message)
    call.write(Buffer.from(this.#welcome.encode({ ...own, double, ...release })))
    if (error instanceof ProtocolError)
      call.emit('error', { code: status.FAILED_PRECONDITION, details: oneLine(error.message, 256) })
    else call.end()
  }

  #isHeard(remote: string, isMember: boolean): void {
    this.#port.known(remote, isMember)
  }

  #check(bytes: Uint8Array, peer: NodeId): Message {
    const message = this.#options.codec.decode(bytes)
    if (message.from !== peer || message.to !== this.#options.self) {
      throw new Error(`${peer} sent a message from ${oneLine(String(message.from))} to ${oneLine(String(message.to))}`)
    }
    return message
  }

  /**
   * Reports streams that gRPC itself ends, because packets are too long or not compressed as announced. The handler
   * hears only that the stream is over, so the reason is taken from the status on its way out.
   */
  readonly #reportStatus: ServerInterceptor = ({ path }, call) => {
    const send = call.sendStatus.bind(call)
    call.sendStatus = (sent) => {
      const isOurs = sent.code === status.OK || sent.code === status.FAILED_PRECONDITION
      if (path === speakPath && !isOurs) this.#refused(null, hostOf(call.getPeer()), sent.details ?? 'gRPC gave it up')
      send(sent)
    }
    return new ServerInterceptingCall(call)
  }

  #refused(peer: NodeId | null, remote: string | undefined, reason: string): void {
    this.#refusals.report(peer, remote, reason)
  }
}

type Greeting = Hello & { readonly protocol: number }

/** Checks a peer's first packet. @throws Error if it is not a Hello */
function checkHello(hello: Greeting | undefined): Hello {
  if (!hello) throw new Error('its first packet is not a Hello')
  const { protocol, cluster, from, to, incarnation, origin } = hello
  // Protobuf has no word for a string that was left out: it is empty.
  const address = hello.address || undefined
  return { protocol, cluster, from, to, incarnation, origin, address, ...releaseIn(withRelease(hello)) }
}

/** Extracts the host from `host:port` as gRPC writes it: without brackets around an IPv6 address. */
function hostOf(peer: string): string {
  return peer.slice(0, peer.lastIndexOf(':'))
}
