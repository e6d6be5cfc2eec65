import { createServer, type Server, type Socket } from 'node:net'
import {
  type Foreigner,
  type Greeting,
  type Identity,
  isObject,
  type Message,
  type Network,
  type NodeId,
  type PeerMember,
} from '../contracts.js'
import { oneLine } from '../text.js'
import { connectionLimits } from './connection-limits.js'
import { Door } from './door.js'
import { encodeFrames, FrameDecoder } from './framing.js'
import type { Gate } from './gate.js'
import { parseStranger } from './json-shape.js'
import { Links, type Peer } from './links.js'
import { Pulse } from './liveness.js'
import { type NetworkOptions, ownAddress } from './options.js'
import { DoubleError, ForeignError, identityIn, Passport } from './passport.js'
import { ProtocolError, type Release, releaseIn } from './protocols.js'
import { Refusals } from './refusals.js'
import { beginsHttp, metricsSentence, refuseHttp, spokeHttp } from './stray-http.js'
import { probe, TcpLink } from './tcp-link.js'
import { Unfinished } from './unfinished.js'
import { type Hello, type Visit, Visits } from './visits.js'

const helloTimeoutMs = 5_000
/** Bytes of the longest frame between nodes: a leader's batch, with room for its envelope. */
const peerFrameBytes = 16 * 1024 * 1024 - 1
/** Bytes of a connection's first frame at most. The frame says who speaks, and where it listens. */
const helloBytes = 4 * 1024
/** The reason of a refusal, for the node that is refused. */
type Why = { readonly double?: string } | Release

/** Milliseconds between a peer's probes at most. */
const longestProbeMs = 600_000

/**
 * A network that carries messages over TCP, each message in a frame. Every pair of nodes has two connections, each used
 * in one direction and made by the side that sends, so the nodes need not agree which of two simultaneous connections
 * counts. The first frame says who is speaking; the rest are messages, and probes with their answers.
 */
export class TcpNetwork implements Network {
  readonly #options: NetworkOptions
  readonly #links: Links<TcpLink>
  readonly #visits: Visits
  readonly #refusals: Refusals
  readonly #passport: Passport
  readonly #incoming = new Set<Socket>()
  readonly #door = new Door(connectionLimits().peers)
  readonly #unfinished: Unfinished
  #server: Server | undefined
  #gate: Gate | undefined

  constructor(options: NetworkOptions) {
    this.#options = options
    this.#passport = new Passport(options)
    this.#unfinished = new Unfinished(options.notice)
    const addressFor = (peer: Peer) => () => this.#links.addressFor(peer)
    this.#refusals = new Refusals(options)
    const site = { ...options, passport: this.#passport, refusals: this.#refusals }
    this.#links = new Links(options, (peer) => new TcpLink(peer, site, addressFor(peer)))
    this.#visits = new Visits(options, this.#links, this.#passport)
  }

  async start(
    receive: (message: Message) => void,
    meet?: (node: Foreigner) => void,
    greet?: (peer: Greeting) => void,
  ): Promise<void> {
    this.#passport.open(meet, greet)
    const accept = (socket: Socket) => this.#accept(socket, receive)
    this.#gate = this.#options.tls?.gateFor('nodes')(accept, (remote, why) => this.#refusals.report(null, remote, why))
    const enter = this.#gate ? (socket: Socket) => this.#gate!.enter(socket) : accept
    this.#server = createServer({ noDelay: true, keepAlive: true }, enter)
    await new Promise<void>((resolve, reject) => {
      this.#server!.once('error', reject)
      this.#server!.listen(ownAddress(this.#options), () => {
        this.#server!.removeListener('error', reject)
        this.#server!.on('error', () => {})
        resolve()
      })
    })
    this.#links.open()
  }

  send(message: Message): void {
    this.#links.send(message)
  }

  setIdentity(identity: Identity): void {
    this.#passport.set(identity)
  }

  setPeers(peers: readonly PeerMember[]): void {
    for (const id of this.#links.setPeers(peers)) this.#visits.hangUpOn(id)
  }

  async stop(): Promise<void> {
    this.#links.close()
    const closed = new Promise<void>((resolve) => (this.#server ? this.#server.close(() => resolve()) : resolve()))
    this.#gate?.close()
    for (const socket of this.#incoming) socket.destroy()
    await closed
  }

  /**
   * Reads a peer's messages. A sender that is not a peer, or that breaks the protocol, is turned away, and the reason
   * is reported.
   */
  #accept(socket: Socket, receive: (message: Message) => void): void {
    const decoder = new FrameDecoder(helloBytes)
    let peer: NodeId | null = null
    let leave = () => {}
    let isGuest = false
    this.#incoming.add(socket)
    this.#door.enter(socket)?.destroy()
    const turnAway = (reason: string) => {
      this.#refusals.report(peer, socket.remoteAddress, reason)
      socket.destroy()
    }
    const cancelHello = this.#options.clock.after(helloTimeoutMs, () => turnAway('it did not say who it is'))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      cancelHello()
      leave()
      this.#incoming.delete(socket)
      this.#door.left(socket)
      this.#unfinished.hold(socket, 0)
    })
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      try {
        for (let decoded = decoder.next(); decoded && !socket.destroyed; decoded = decoder.next()) {
          if ('problem' in decoded) throw new Error(decoded.problem)
          if (peer === null) {
            const visit = this.#admit(socket, decoded.bytes)
            peer = visit.from
            leave = visit.leave
            isGuest = visit.isGuest
            cancelHello()
            decoder.limit = peerFrameBytes
            this.#door.known(socket)
          } else if (decoded.bytes.length > 0) {
            receive(this.#checkSender(this.#options.codec.decode(decoded.bytes), peer))
            this.#unfinished.hold(socket, 0)
          }
        }
        this.#unfinished.hold(socket, isGuest ? decoder.capacity : 0)
      } catch (error) {
        if (peer === null && beginsHttp(decoder.beginning)) return this.#refuseHttp(socket)
        const answer = this.#answerTo(error as Error)
        if (answer === null) return turnAway((error as Error).message)
        if (answer.isReported) this.#refusals.report(peer, socket.remoteAddress, (error as Error).message)
        this.#refuse(socket, answer.why)
      }
    })
  }

  /** Admits a peer by its hello. @throws Error that says why it is not to be heard */
  #admit(socket: Socket, bytes: Buffer): Visit {
    const hello = parseHello(bytes)
    this.#options.tls?.checkCaller(socket, hello.from)
    const visit = this.#visits.enter(hello, () => socket.destroy())
    if (hello.probeMs !== undefined) this.#answerProbes(socket, hello.probeMs)
    return visit
  }

  /** Chooses what a refused node is told, and whether it is reported; null if it is told nothing. */
  #answerTo(error: Error): { readonly why: Why; readonly isReported: boolean } | null {
    if (error instanceof ForeignError) return { why: {}, isReported: false }
    if (error instanceof DoubleError) return { why: { double: error.address }, isReported: true }
    if (!(error instanceof ProtocolError)) return null
    return { why: this.#passport.protocols.own, isReported: error.isFinal }
  }

  /** Greets a peer that probes, and answers its probes from then on. */
  #answerProbes(socket: Socket, probeMs: number): void {
    socket.write(probe)
    new Pulse(socket, this.#options.clock, probe, probeMs, false)
  }

  /**
   * Tells a node of another cluster, a copy of a peer's folder, or a node that speaks another version, who refuses it:
   * otherwise it would never know why it gets no answer.
   */
  #refuse(socket: Socket, why: Why): void {
    socket.removeAllListeners('data')
    socket.resume()
    const refusal = { type: 'Refused', ...this.#passport.own, ...why }
    socket.end(encodeFrames([JSON.stringify(refusal)]), () => socket.destroy())
  }

  #refuseHttp(socket: Socket): void {
    this.#refusals.report(null, socket.remoteAddress, spokeHttp)
    refuseHttp(socket, `This port of raft-roadmap is for other nodes, and speaks no HTTP; ${metricsSentence()}`)
  }

  #checkSender(message: Message, peer: NodeId): Message {
    if (message.from !== peer || message.to !== this.#options.self) {
      throw new Error(`${peer} sent a message from ${oneLine(String(message.from))} to ${oneLine(String(message.to))}`)
    }
    return message
  }
}

/** Parses the first frame of a connection. @throws Error if it is not a Hello */
function parseHello(bytes: Buffer): Hello {
  const parsed = parseStranger(bytes)
  const hello = 'value' in parsed ? parsed.value : undefined
  if (!isObject(hello) || hello.type !== 'Hello') throw new Error('its first frame is not a Hello')
  const { protocol, cluster, from, to, address, probeMs } = hello
  const isProbing = typeof probeMs === 'number' && probeMs >= 1 && probeMs <= longestProbeMs
  const who = { ...identityIn(hello), ...releaseIn(hello) }
  return { protocol, cluster, from, to, address, ...who, ...(isProbing && { probeMs }) }
}
