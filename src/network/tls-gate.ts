/** The gate of a port that speaks TLS: a connection comes in when its handshake is done, and its certificate is good. */
import type { Socket } from 'node:net'
import { createServer, type SecureContextOptions, type Server, type TLSSocket } from 'node:tls'
import { failure } from '../contracts.js'
import { lastWordsMs } from './connection-limits.js'
import { encodeFrames } from './framing.js'
import type { Gate } from './gate.js'
import { beginsHttp, refuseHttp } from './stray-http.js'
import { describeTlsError } from './tls-errors.js'

/** The first byte of a TLS greeting (RFC 8446, 5.1: a record of the type handshake). */
const handshakeByte = 0x16

/** Milliseconds from a connection's first moment to the end of its handshake. */
const usualHandshakeMs = 5_000
/** Handshakes under way at the same time; the oldest makes room for a newcomer. */
const mostHandshakes = 256

/** Settings of a gate. */
export interface TlsGateOptions {
  readonly context: SecureContextOptions
  /** True if the other end must show a certificate of the authority. */
  readonly isMutual: boolean
  /** The protocols that are spoken within TLS (ALPN), such as `h2`; left out for those that have no name. */
  readonly protocols?: readonly string[]
  /** Checks the certificate of the other end. @returns the reason why it may not come in; null if it may */
  readonly refuses: (socket: TLSSocket) => string | null
  readonly pass: (socket: Socket) => void
  readonly turnedAway: (remote: string | undefined, reason: string) => void
  /** Bounds for a test that wants less than usual. */
  readonly handshakeMs?: number
  readonly handshakes?: number
}

/** A connection in the gate. */
interface Entrant {
  /** The address of its other end; a socket that has ended does not know it any more. */
  readonly remote: string | undefined
  readonly deadline: NodeJS.Timeout
}

const sentence = 'this port speaks TLS, and nothing else'

/** A gate that does the handshakes of one port. It holds a bounded number of them, each for a bounded time. */
export class TlsGate implements Gate {
  readonly #options: TlsGateOptions
  /** Does the handshakes. It listens nowhere: the port does. */
  readonly #server: Server
  /** The connections in the gate, the oldest first. */
  readonly #inside = new Map<Socket, Entrant>()

  constructor(options: TlsGateOptions) {
    this.#options = options
    const { isMutual, protocols, context } = options
    this.#server = createServer({
      ...context,
      requestCert: isMutual,
      rejectUnauthorized: isMutual,
      ...(protocols && { ALPNProtocols: [...protocols] }),
    })
    this.#server.on('secureConnection', (socket) => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      this.#end(plainOf(socket), describeTlsError(error, socket.authorizationError))
      socket.destroy()
    })
  }

  /** The number of connections in the gate. */
  get size(): number {
    return this.#inside.size
  }

  /** Takes another certificate for the handshakes from here on. Connections that stand are left alone. */
  renew(context: SecureContextOptions): void {
    this.#server.setSecureContext(context)
  }

  /** Begins the handshake of a connection, when its first bytes are those of one. */
  enter(socket: Socket): void {
    const { handshakes = mostHandshakes, handshakeMs: ms = usualHandshakeMs } = this.#options
    const [oldest] = this.#inside.keys()
    if (oldest && this.#inside.size >= handshakes) this.#end(oldest, `${handshakes} newer handshakes wait`)
    const deadline = setTimeout(() => this.#end(socket, 'its handshake took too long'), ms)
    this.#inside.set(socket, { remote: socket.remoteAddress, deadline })
    const onEnd = () => socket.destroy()
    const onClose = () => this.#leave(socket)
    socket.on('error', onEnd).once('end', onEnd).once('close', onClose)
    socket.once('data', (chunk: Buffer) => {
      if (chunk[0] !== handshakeByte) return this.#refusePlain(socket, chunk)
      socket.pause()
      socket.removeListener('end', onEnd)
      // The end of a handshake is told by the server, with its reason: it comes after the end of the connection.
      socket.removeListener('close', onClose)
      socket.unshift(chunk)
      this.#server.emit('connection', socket)
    })
  }

  #secured(socket: TLSSocket): void {
    const plain = plainOf(socket)
    if (!this.#inside.has(plain)) return void socket.destroy()
    const reason = this.#options.refuses(socket)
    if (reason === null) {
      this.#leave(plain)
      return this.#options.pass(socket)
    }
    socket.on('error', () => {})
    this.#end(plain, reason)
  }

  /** Ends a connection in the gate, and tells why; one that has left it was told of. */
  #end(socket: Socket, reason: string): void {
    const entrant = this.#leave(socket)
    if (!entrant) return
    this.#options.turnedAway(entrant.remote, reason)
    socket.destroy()
  }

  #leave(socket: Socket): Entrant | undefined {
    const entrant = this.#inside.get(socket)
    clearTimeout(entrant?.deadline)
    this.#inside.delete(socket)
    return entrant
  }

  /** Tells a sender of plain text, in its own form, to which port it speaks. Nothing that it sends is performed. */
  #refusePlain(socket: Socket, chunk: Buffer): void {
    this.#leave(socket)
    const isHttp = beginsHttp(chunk)
    this.#options.turnedAway(socket.remoteAddress, `it spoke ${isHttp ? 'HTTP' : 'plain text'}; ${sentence}`)
    if (isHttp) return refuseHttp(socket, `This is raft-roadmap: ${sentence}.`)
    const answer = JSON.stringify(failure('bad_request', sentence))
    socket.resume()
    socket.end(chunk[0] === 0 ? encodeFrames([answer]) : `${answer}\n`)
    setTimeout(() => socket.destroy(), lastWordsMs).unref()
  }

  close(): void {
    for (const socket of [...this.#inside.keys()]) {
      this.#leave(socket)
      socket.destroy()
    }
  }
}

/** Finds the connection below a TLS socket: a private field of Node's own. */
const plainOf = (socket: TLSSocket) => (socket as unknown as { readonly _parent: Socket })._parent
