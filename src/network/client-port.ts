import { createServer, type Server, type Socket } from 'node:net'
import { systemClock } from '../clock.js'
import { type Ask, type Event, failure } from '../contracts.js'
import type { Access } from './access.js'
import { type ClientBounds, type ClientTallies, clientBounds } from './client-bounds.js'
import { ClientConnection, type ConnectionOwner } from './client-connection.js'
import { lastWordsMs } from './connection-limits.js'
import type { Gate, MakeGate } from './gate.js'
import { type Pace, TokenBucket } from './pacing.js'
import { Tally } from './tally.js'

declare module '../events.js' {
  interface EventDetails {
    client_refused: { remote: string | undefined; reason: string; unnoticed?: number }
    client_dropped: { remote: string | undefined; reason: string; unnoticed?: number }
  }
}

/** The connections of clients at one moment, and what they hold. */
export interface ClientLoad {
  readonly connections: number
  /** Bytes of answers that clients have not taken. */
  readonly answerBytes: number
}

/** The pace of reports about refused or dropped clients: twenty at once, one a second. */
const noticePace: Pace = { perMs: 1 / 1_000, burst: 20 }
/** Refused newcomers that are sent an error at the same time; further newcomers are closed without a word. */
const mostTurnedAway = 16
/** Milliseconds between two searches for an idle connection, if the first search found none. */
const nextSearchMs = 1_000

/**
 * The port for clients. One port takes two framings and tells them apart by the first byte: a frame's length is under
 * 2^24, so its first byte is 0, and no line of JSON begins with 0.
 */
export class ClientPort implements ConnectionOwner {
  readonly bounds: ClientBounds
  readonly tallies: ClientTallies
  readonly ask: Ask
  readonly access: Access | undefined
  readonly metricsAt: string | undefined
  readonly #server: Server
  readonly #notice: (event: Event) => void
  readonly #notices = new TokenBucket(noticePace, systemClock)
  #unnoticed = 0
  readonly #connections = new Set<ClientConnection>()
  /** Connections on which nothing has been asked yet, the oldest first. */
  readonly #silent = new Set<ClientConnection>()
  readonly #turnedAway = new Set<Socket>()
  #gate: Gate | undefined
  #searchedAt = Number.NEGATIVE_INFINITY
  #sweep: NodeJS.Timeout | undefined

  /**
   * @param metricsAt the address of the port for metrics, which a person with a browser is told
   * @param access left out if no tokens are demanded
   */
  constructor(
    ask: Ask,
    notice: (event: Event) => void = () => {},
    bounds: Partial<ClientBounds> = {},
    metricsAt?: string,
    access?: Access,
  ) {
    this.ask = ask
    this.access = access
    this.metricsAt = metricsAt
    this.#notice = notice
    this.bounds = { ...clientBounds(), ...bounds }
    this.tallies = {
      unfinished: new Tally(this.bounds.unfinishedBytes),
      asked: new Tally(this.bounds.allAskedBytes),
      answers: new Tally(this.bounds.allAnswerBytes),
    }
    // Half-open: a client that has asked and closes its side (`nc -N`) still gets its answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) =>
      this.#gate ? this.#gate.enter(socket) : this.#accept(socket),
    )
  }

  /** Puts a gate before the port, where TLS is spoken. It has to be there before the port listens. */
  guard(make: MakeGate): void {
    const refuse = (remote: string | undefined, reason: string) =>
      this.report({ event: 'client_refused', remote, reason })
    this.#gate = make((socket) => this.#accept(socket), refuse)
  }

  /** Rejects as `net.Server` does, with `EADDRINUSE` among others. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 4_096 }, () => {
        this.#server.removeListener('error', reject)
        // When file descriptors run out, the newcomer loses its connection, and the node goes on.
        this.#server.on('error', () => {})
        this.#sweep = setInterval(() => this.#lookAround(), this.bounds.sweepMs)
        this.#sweep.unref()
        resolve()
      })
    })
  }

  /** The port that the system chose, where 0 was asked for. */
  get port(): number {
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  get load(): ClientLoad {
    return { connections: this.#connections.size, answerBytes: this.tallies.answers.held }
  }

  #lookAround(): void {
    const now = Date.now()
    for (const connection of this.#connections) connection.lookAround(now)
  }

  #accept(socket: Socket): void {
    if (this.#connections.size >= this.bounds.connections && !this.#makeRoom()) return this.#turnAway(socket)
    const connection = new ClientConnection(socket, this)
    this.#connections.add(connection)
    this.#silent.add(connection)
    socket.once('close', () => {
      this.#connections.delete(connection)
      this.#silent.delete(connection)
    })
  }

  /** Notes that a connection is in use, so that other connections make room before it does. */
  spoke(connection: ClientConnection): void {
    this.#silent.delete(connection)
  }

  /**
   * Ends the oldest connection that never asked anything, or one that is idle. @returns whether a connection was ended
   */
  #makeRoom(): boolean {
    const now = Date.now()
    const [silent] = this.#silent
    const idle = silent ?? (now - this.#searchedAt < nextSearchMs ? undefined : this.#firstIdle(now))
    if (!idle) return false
    this.#connections.delete(idle)
    this.#silent.delete(idle)
    idle.drop(`it asked nothing, and all ${this.bounds.connections} connections are taken`)
    return true
  }

  #firstIdle(now: number): ClientConnection | undefined {
    for (const connection of this.#connections) if (connection.isIdleSince(now - this.bounds.idleMs)) return connection
    this.#searchedAt = now
    return undefined
  }

  #turnAway(socket: Socket): void {
    const reason = `all ${this.bounds.connections} connections are taken; close one, or ask again later`
    this.report({ event: 'client_refused', remote: socket.remoteAddress, reason })
    socket.on('error', () => socket.destroy())
    if (this.#turnedAway.size >= mostTurnedAway) return void socket.destroy()
    this.#turnedAway.add(socket)
    socket.once('close', () => this.#turnedAway.delete(socket))
    socket.end(`${JSON.stringify(failure('overloaded', reason))}\n`)
    // Its input is read: with input unread, closing would reset the connection before the answer has arrived.
    socket.resume()
    setTimeout(() => socket.destroy(), lastWordsMs).unref()
  }

  /** Drops the client with most untaken answers, as long as all untaken answers together are over their bound. */
  relieve(): void {
    while (this.tallies.answers.isOver) {
      let largest: ClientConnection | undefined
      for (const connection of this.#connections) {
        if (connection.untaken > (largest?.untaken ?? 0)) largest = connection
      }
      if (!largest) return
      largest.drop(`it does not take its answers: ${largest.untaken} bytes wait, more than of any other`)
    }
  }

  /**
   * Refuses the request that has been arriving for longest, as long as all unfinished requests together are over their
   * bound.
   */
  makeWay(): void {
    while (this.tallies.unfinished.isOver) {
      let oldest: ClientConnection | undefined
      for (const connection of this.#connections) {
        if (connection.unfinishedSince < (oldest?.unfinishedSince ?? Number.POSITIVE_INFINITY)) oldest = connection
      }
      if (!oldest) return
      oldest.refuse('overloaded', 'too many unfinished requests are held, and this one has been arriving for longest')
    }
  }

  /**
   * Reports a refused or dropped client at a bounded pace; a report counts the events that were passed over before it.
   */
  report(event: Event): void {
    if (this.#notices.isEmpty) {
      this.#unnoticed++
      return
    }
    this.#notices.take(1)
    const more = this.#unnoticed > 0 ? { unnoticed: this.#unnoticed } : {}
    this.#unnoticed = 0
    this.#notice({ ...event, ...more })
  }

  /** Sends the answers that are ready and ends every connection. */
  async close(): Promise<void> {
    clearInterval(this.#sweep)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#gate?.close()
    for (const connection of this.#connections) connection.end()
    for (const socket of this.#turnedAway) socket.destroy()
    await closed
  }
}
