import { createServer, type Socket } from 'node:net'
import { type ConnectionInjector, Server, ServerCredentials, type ServerInterceptor } from '@grpc/grpc-js'
import type { Address } from '../address.js'
import type { Clock } from '../contracts.js'
import { Door } from './door.js'
import type { Gate, MakeGate } from './gate.js'
import { GrpcCalls } from './grpc-calls.js'
import { type CallBounds, handshakeMs, serverOptions } from './grpc-wire.js'

/** The connection preface of HTTP/2: every HTTP/2 client begins with it, and no other protocol does. */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** The world of a port, and its bounds. */
interface PortOptions {
  readonly clock: Clock
  /** Connections at once. */
  readonly limit: number
  readonly callBounds?: Partial<CallBounds> | undefined
  /** Called for each connection that was ended because it held too much memory. */
  readonly dropped: (remote: string | undefined, reason: string) => void
  /** Makes the gate of the port, where TLS is spoken. */
  readonly gate?: MakeGate | undefined
  /** Called for each connection that is none of gRPC. */
  readonly turnedAway: (remote: string | undefined, reason: string) => void
}

/**
 * A port for gRPC. It accepts each socket before gRPC does, because gRPC closes a stranger's connection without telling
 * anybody.
 */
export class GrpcPort {
  /** The server, for its services; they are added before the port listens. */
  readonly server: Server
  readonly calls: GrpcCalls
  readonly #options: PortOptions
  readonly #injector: ConnectionInjector
  readonly #sockets = new Map<string, Socket>()
  readonly #door: Door
  readonly #gate: Gate | undefined
  readonly #listener = createServer({ noDelay: true, keepAlive: true }, (socket) =>
    this.#gate ? this.#gate.enter(socket) : this.#accept(socket),
  )

  /** @param interceptors of each call, behind the one that counts its memory */
  constructor(options: PortOptions, interceptors: readonly ServerInterceptor[] = []) {
    this.#options = options
    this.#gate = options.gate?.((socket) => this.#accept(socket), options.turnedAway)
    this.calls = new GrpcCalls(options.clock, options.dropped, options.callBounds)
    this.#door = new Door(options.limit, (socket) => !this.calls.isIdle(socket))
    this.server = new Server({ ...serverOptions, interceptors: [this.calls.watch, ...interceptors] })
    this.#injector = this.server.createConnectionInjector(ServerCredentials.createInsecure())
  }

  async listen(address: Address): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen(address, () => {
        this.#listener.removeListener('error', reject)
        this.#listener.on('error', () => {})
        this.calls.start()
        resolve()
      })
    })
  }

  /** Notes who is at the other end of a connection. */
  known(remote: string, isMember: boolean): void {
    this.calls.known(remote, isMember)
    const socket = this.#sockets.get(remote)
    if (socket) this.#door.known(socket)
  }

  /** Finds the connection at whose other end somebody is. */
  socketOf(remote: string): Socket | undefined {
    return this.#sockets.get(remote)
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#listener.close(() => resolve()))
    this.calls.stop()
    this.#gate?.close()
    this.#injector.destroy()
    this.server.forceShutdown()
    for (const socket of this.#sockets.values()) socket.destroy()
    await closed
  }

  /** Hands a connection to gRPC as soon as it turns out to be HTTP/2. */
  #accept(socket: Socket): void {
    const key = `${socket.remoteAddress}:${socket.remotePort}`
    this.#sockets.set(key, socket)
    this.#door.enter(socket)?.destroy()
    let read = Buffer.alloc(0)
    const turnAway = (reason: string) => {
      this.#options.turnedAway(socket.remoteAddress, reason)
      socket.destroy()
    }
    const cancelDeadline = this.#options.clock.after(handshakeMs, () => turnAway('it did not say what it wants'))
    const onData = (chunk: Buffer) => {
      read = Buffer.concat([read, chunk])
      const begun = Math.min(read.length, preface.length)
      if (!read.subarray(0, begun).equals(preface.subarray(0, begun))) return turnAway('it does not speak HTTP/2')
      if (begun < preface.length) return
      cancelDeadline()
      socket.removeListener('data', onData)
      socket.pause()
      socket.unshift(read)
      this.#door.spoke(socket)
      this.calls.opened(socket)
      this.#injector.injectConnection(socket)
    }
    socket.on('data', onData)
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => {
      if (code?.startsWith('ERR_HTTP2')) turnAway(`it broke the rules of HTTP/2: ${message}`)
      socket.destroy()
    })
    socket.on('close', () => {
      cancelDeadline()
      this.#door.left(socket)
      this.#sockets.delete(key)
    })
  }
}
