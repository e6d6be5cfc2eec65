import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import {
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js'
import { type Answer, type Clock, failure, type Refusal } from '../contracts.js'
import type { CallGate } from './grpc-app.js'
import { type CallBounds, speakPath } from './grpc-wire.js'
import { memoryOf, type Share, Tally } from './tally.js'

const MiB = 1024 * 1024

const usualBounds: CallBounds = {
  calls: 8_192,
  unfinishedBytes: 64 * MiB,
  askedBytes: 128 * MiB,
  answerBytes: 32 * MiB,
  allAnswerBytes: 128 * MiB,
  slowestMs: 25_000,
  sweepMs: 2_500,
}

/** Bytes of memory that a waiting call costs besides its request. */
const callBytes = 8 * 1024
const smallAnswerBytes = 16 * 1024
const smallRequestBytes = 4 * 1024
/** Bytes that may come before the sender is known: a Hello, or the piece in which the network delivers it. */
const longestHello = 16 * 1024

/** One connection to the gRPC port, found by the address of its other end. */
interface Connection {
  readonly socket: Socket
  readonly answers: Share
  /** Time at which the client last took an answer, or at which the first waiting answer began to wait. */
  takenAt: number
  calls: number
  standing: 'stranger' | 'guest' | 'member'
}

/** One stream whose unfinished packet is counted. */
interface Call {
  /** Bytes that have come of a packet that is not whole. */
  readonly unfinished: Share
  /** Time at which the unfinished packet began; infinity while no packet is on its way. */
  since: number
  isOver: boolean
  /** True for a stream between nodes, false for a client's call. */
  readonly isSpeech: boolean
  turnAway(reason: string): void
}

/** Private fields of the library's call object; the bytes of a call can be seen only through them. */
interface Innards {
  readonly stream?: Readable
  readonly incomingEncoding?: string
}

/**
 * Counts the memory that gRPC holds for others. The library bounds one message and the streams of one connection, but
 * not their sum: it assembles packets and queues answers whatever they come to in all.
 */
export class GrpcCalls implements CallGate {
  readonly #bounds: CallBounds
  readonly #clock: Clock
  readonly #dropped: (remote: string | undefined, reason: string) => void
  readonly #connections = new Map<string, Connection>()
  readonly #calls = new Set<Call>()
  readonly #unfinished: Tally
  readonly #asked: Tally
  readonly #answers: Tally
  #count = 0
  #cancelSweep = () => {}

  /** @param dropped called for each connection that was ended */
  constructor(
    clock: Clock,
    dropped: (remote: string | undefined, reason: string) => void,
    bounds: Partial<CallBounds> = {},
  ) {
    this.#bounds = { ...usualBounds, ...bounds }
    this.#clock = clock
    this.#dropped = dropped
    this.#unfinished = new Tally(this.#bounds.unfinishedBytes)
    this.#asked = new Tally(this.#bounds.askedBytes)
    this.#answers = new Tally(this.#bounds.allAnswerBytes)
  }

  start(): void {
    this.#cancelSweep = this.#clock.after(this.#bounds.sweepMs, () => {
      this.#lookAround()
      this.start()
    })
  }

  stop(): void {
    this.#cancelSweep()
  }

  opened(socket: Socket): void {
    const key = `${socket.remoteAddress}:${socket.remotePort}`
    const answers = this.#answers.share()
    const connection: Connection = { socket, answers, takenAt: this.#clock.now(), calls: 0, standing: 'stranger' }
    this.#connections.set(key, connection)
    socket.once('close', () => {
      connection.answers.set(0)
      this.#connections.delete(key)
    })
  }

  isIdle(socket: Socket): boolean {
    return this.#connections.get(`${socket.remoteAddress}:${socket.remotePort}`)?.calls === 0
  }

  admit(bytes: number): Refusal | null {
    if (!this.#asked.isOver || bytes <= smallRequestBytes) return null
    return failure('overloaded', 'the requests that wait here take all the memory that they may')
  }

  /**
   * Passes an answer on, or refuses it if too many wait. Only a read has a large answer, so the client may be told that
   * the read was not done.
   */
  answer(peer: string, answer: Answer): Answer {
    const waiting = this.#connections.get(peer)?.answers.bytes ?? 0
    if (waiting <= this.#bounds.answerBytes || memoryOf(answer) <= smallAnswerBytes) return answer
    return failure('overloaded', `${waiting} bytes of answers wait on this connection; take them first`)
  }

  /** Notes the sender on a connection. A member's packets are not counted: they may be as long as a leader's batch. */
  known(peer: string, isMember: boolean): void {
    const connection = this.#connections.get(peer)
    if (connection) connection.standing = isMember ? 'member' : 'guest'
  }

  /** Counts the memory of each call. It has to be the first interceptor, because it reads the library's own object. */
  readonly watch: ServerInterceptor = ({ path }, call) => {
    const connection = this.#connections.get(call.getPeer())
    const { stream, incomingEncoding = 'identity' } = call as unknown as Innards
    if (connection && stream && path === speakPath) this.#watchPackets(call, stream, connection, null)
    else if (connection && stream) this.#watchClient(call, stream, connection)
    const isTooMuch = this.#count > this.#bounds.calls
    const isCompressed = incomingEncoding !== 'identity'
    if (isCompressed || isTooMuch) {
      const details = isTooMuch ? `overloaded: ${this.#bounds.calls} calls wait` : 'compressed packets are not taken'
      process.nextTick(() => call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details }))
    }
    return call as ServerInterceptingCall
  }

  #watchClient(call: ServerInterceptingCallInterface, stream: Readable, connection: Connection): void {
    const asked = this.#asked.share()
    this.#count++
    connection.calls++
    stream.once('close', () => {
      this.#count--
      connection.calls--
      asked.set(0)
    })
    this.#watchPackets(call, stream, connection, (bytes) => asked.set(callBytes + 2 * bytes))
    this.#watchAnswer(call, stream, connection)
  }

  /** Counts each answer until the stream has passed it on; the stream waits for its reader. */
  #watchAnswer(call: ServerInterceptingCallInterface, stream: Readable, connection: Connection): void {
    const send = call.sendMessage.bind(call)
    let waiting = 0
    const taken = (bytes: number) => {
      if (connection.socket.destroyed) return
      connection.takenAt = this.#clock.now()
      connection.answers.add(-bytes)
      waiting -= bytes
    }
    stream.once('close', () => taken(waiting))
    call.sendMessage = (message, callback) => {
      const bytes = memoryOf(message)
      if (connection.answers.bytes === 0) connection.takenAt = this.#clock.now()
      connection.answers.add(bytes)
      waiting += bytes
      send(message, () => {
        // A stream that has closed has given back all of it.
        taken(Math.min(bytes, waiting))
        callback()
      })
      this.#relieve()
    }
  }

  /**
   * Counts the bytes of an unfinished packet. @param whole called with the length of each whole packet; null between
   * nodes
   */
  #watchPackets(
    call: ServerInterceptingCallInterface,
    stream: Readable,
    connection: Connection,
    whole: ((bytes: number) => void) | null,
  ): void {
    const turnAway = (details: string) => call.sendStatus({ code: status.RESOURCE_EXHAUSTED, details })
    const unfinished = this.#unfinished.share()
    const isSpeech = whole === null
    const one: Call = { unfinished, since: this.#clock.now(), isOver: false, isSpeech, turnAway }
    this.#calls.add(one)
    stream.on('data', (chunk: Buffer) => this.#came(one, chunk.length, connection))
    stream.once('close', () => this.#forget(one))
    const start = call.start.bind(call)
    call.start = (listener) =>
      start({
        onReceiveMetadata: (metadata) => listener.onReceiveMetadata(metadata),
        onReceiveMessage: (message) => {
          whole?.(one.unfinished.bytes)
          one.unfinished.set(0)
          one.since = Number.POSITIVE_INFINITY
          listener.onReceiveMessage(message)
        },
        onReceiveHalfClose: () => listener.onReceiveHalfClose(),
        onCancel: () => listener.onCancel(),
      })
  }

  #came(one: Call, bytes: number, connection: Connection): void {
    if (one.isOver || connection.standing === 'member') return
    if (one.unfinished.bytes === 0) one.since = this.#clock.now()
    one.unfinished.add(bytes)
    if (one.isSpeech && connection.standing === 'stranger' && one.unfinished.bytes > longestHello) {
      return this.#end(one, 'its first packet is longer than a Hello')
    }
    this.#makeWay()
  }

  #forget(one: Call): void {
    one.isOver = true
    this.#calls.delete(one)
    one.unfinished.set(0)
  }

  #makeWay(): void {
    while (this.#unfinished.isOver) {
      let oldest: Call | undefined
      for (const call of this.#calls) {
        if (call.unfinished.bytes > 0 && call.since < (oldest?.since ?? Number.POSITIVE_INFINITY)) oldest = call
      }
      if (!oldest) return
      this.#end(oldest, 'overloaded: too many unfinished packets are held, and this one has been arriving for longest')
    }
  }

  #end(call: Call, reason: string): void {
    this.#forget(call)
    call.turnAway(reason)
  }

  #relieve(): void {
    while (this.#answers.isOver) {
      let largest: Connection | undefined
      for (const one of this.#connections.values()) {
        if (one.answers.bytes > (largest?.answers.bytes ?? 0)) largest = one
      }
      if (!largest) return
      this.#drop(largest, `it does not take its answers: ${largest.answers.bytes} bytes wait, more than of any other`)
    }
  }

  #drop(connection: Connection, reason: string): void {
    this.#dropped(connection.socket.remoteAddress, reason)
    connection.answers.set(0)
    this.#connections.delete(`${connection.socket.remoteAddress}:${connection.socket.remotePort}`)
    connection.socket.destroy()
  }

  #lookAround(): void {
    const before = this.#clock.now() - this.#bounds.slowestMs
    for (const call of this.#calls) if (call.since <= before) this.#end(call, 'the packet did not arrive whole in time')
    for (const connection of this.#connections.values()) {
      if (connection.answers.bytes === 0 || connection.takenAt > before) continue
      this.#drop(connection, 'it took nothing of its answers for too long')
    }
  }
}
