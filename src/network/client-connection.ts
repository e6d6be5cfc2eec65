import type { Socket } from 'node:net'
import { type Answer, type Ask, type Event, failure, isObject } from '../contracts.js'
import type { Access } from './access.js'
import type { ClientBounds, ClientTallies } from './client-bounds.js'
import { lastWordsMs } from './connection-limits.js'
import { type Decoded, type Decoder, encodeFrames, FrameDecoder, LineDecoder } from './framing.js'
import { doubledField, isWellFormed, parseStranger } from './json-shape.js'
import { isRequestLine, metricsSentence, refuseHttp, spokeHttp } from './stray-http.js'
import { memoryOf } from './tally.js'

/** Characters of answers that one write carries at most; the rest waits until other connections had their turn. */
const writeCharacters = 1024 * 1024
/** Bytes of memory that a waiting request costs besides its text. */
const requestBytes = 512
/** Bytes of a small answer. A small answer is kept however many wait: it says whether a write was done. */
const smallAnswerBytes = 16 * 1024
/** Bytes of memory that a refusal costs, estimated. */
const refusalBytes = 512
/** Bytes of a small request. A small request is asked however many wait: an operator's questions are small. */
const smallRequestBytes = 4 * 1024
/**
 * Bytes that each answer is expected to have before the first answer has come. Each answer corrects the expectation.
 */
const firstExpectation = 512 * 1024
const never = Number.POSITIVE_INFINITY

/** An answer that waits to be written to the client. */
interface Reply {
  /** The `id` of the request; undefined if the request had none. */
  readonly id: unknown
  readonly answer: Answer
  /** Bytes of memory that the answer takes, estimated. */
  readonly bytes: number
}

/** The first byte of a TLS greeting, whose fields may hold lines of JSON. */
const tlsByte = 0x16

/** The port as one of its connections sees it: bounds and tallies that all connections share, and calls to the port. */
export interface ConnectionOwner {
  readonly bounds: ClientBounds
  readonly tallies: ClientTallies
  readonly ask: Ask
  /** The tokens that count; left out if none are demanded. */
  readonly access: Access | undefined
  /** The address of the port for metrics; left out if the node has none. */
  readonly metricsAt: string | undefined
  /** Called when a request arrived on a connection. */
  spoke(connection: ClientConnection): void
  /** Ends the oldest unfinished requests while all unfinished requests together are over their bound. */
  makeWay(): void
  /** Drops the clients with most untaken answers while all untaken answers together are over their bound. */
  relieve(): void
  report(event: Event): void
}

type Parsed = { readonly id: unknown; readonly candidate: Record<string, unknown> } | { readonly problem: string }

/**
 * The connection of one client. Requests with an `id` are asked as they come, and their answers leave as they are
 * ready. A request without an `id` is for people at `nc`: it is answered before the next request is asked, so answers
 * come in the order of requests.
 *
 * A client that has too much under way is not read any more. The size of an answer is not known when its request is
 * asked: the connection expects the size of earlier answers. So a client that reads slowly pins little memory, and a
 * client that reads fast waits for nothing.
 */
export class ClientConnection {
  readonly #socket: Socket
  readonly #port: ConnectionOwner
  readonly #ask: Ask
  readonly #unfinished
  readonly #asked
  readonly #answers
  #decoder: Decoder | null = null
  readonly #name: string
  #lastAskedAt = Date.now()
  /** Time at which the unfinished request began to arrive; infinity if no request is unfinished. */
  #unfinishedSince = never
  /** Requests asked that the node has not answered yet. */
  #asking = 0
  /** Requests asked whose answers are not written to the socket yet. */
  #inFlight = 0
  #expectedBytes = firstExpectation
  /** True while a request without an `id` waits for its answer. */
  #oneAtATime = false
  /**
   * Answers ready to leave, not encoded yet: an answer that a slow reader has not fetched costs a reference, not a
   * copy.
   */
  #ready: Reply[] = []
  #flushDue = false
  /** True while the socket's time-out checks that the client takes its answers. */
  #isWatched = false
  /**
   * True once no further request can come: the client ended its side, or sent bytes after which no request can be
   * found.
   */
  #inputEnded = false
  /** True once incoming bytes are thrown away. */
  #deaf = false

  constructor(socket: Socket, port: ConnectionOwner) {
    this.#socket = socket
    this.#port = port
    this.#name = `${socket.remoteAddress} ${socket.remotePort}`
    this.#ask = port.access?.guard(port.ask, socket.remoteAddress) ?? port.ask
    this.#unfinished = port.tallies.unfinished.share()
    this.#asked = port.tallies.asked.share()
    this.#answers = port.tallies.answers.share()
    socket.on('data', (chunk) => this.#received(chunk as Buffer))
    socket.on('end', () => this.#ended())
    socket.on('drain', () => this.#flush())
    socket.on('timeout', () => this.drop('it took nothing of its answers for too long'))
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#letGo())
  }

  get unfinishedSince(): number {
    return this.#unfinishedSince
  }

  /** Bytes of answers that this client has not taken. */
  get untaken(): number {
    return this.#answers.bytes
  }

  isIdleSince(moment: number): boolean {
    return this.#inFlight === 0 && this.#unfinished.bytes === 0 && this.#lastAskedAt <= moment
  }

  /** Refuses a request that takes too long to arrive, and starts the time-out on answers that are not taken. */
  lookAround(now: number): void {
    const { slowestMs } = this.#port.bounds
    if (now - this.#unfinishedSince >= slowestMs) this.refuse('bad_request', 'the request did not arrive whole in time')
    if (this.#answers.bytes === 0 || this.#isWatched) return
    this.#isWatched = true
    // The socket's own time-out looks at what the system has taken of a write, too.
    this.#socket.setTimeout(slowestMs)
  }

  /** Ends a connection that costs too much. */
  drop(reason: string): void {
    this.#port.report({ event: 'client_dropped', remote: this.#socket.remoteAddress, reason })
    this.#deaf = true
    this.#letGo()
    this.#socket.destroy()
  }

  #letGo(): void {
    this.#ready = []
    this.#unfinishedSince = never
    for (const share of [this.#unfinished, this.#asked, this.#answers]) share.set(0)
  }

  /**
   * Sends the answers that are ready, and closes the connection: also to a client that has read nothing for
   * {@link lastWordsMs}.
   */
  end(): void {
    this.#deaf = true
    this.#flush()
    this.#socket.destroySoon()
    this.#socket.setTimeout(lastWordsMs, () => this.#socket.destroy())
  }

  #received(chunk: Buffer): void {
    if (this.#deaf) return
    if (!this.#decoder && chunk[0] === tlsByte) return this.refuse('bad_request', 'this port speaks no TLS')
    this.#decoder ??= chunk[0] === 0 ? new FrameDecoder() : new LineDecoder()
    this.#decoder.push(chunk)
    this.#pump()
  }

  #ended(): void {
    this.#inputEnded = true
    this.#pump()
  }

  /** Asks all requests that have arrived, as far as this client's window allows. */
  #pump(): void {
    while (this.#mayAsk()) {
      const decoded = this.#decoder?.next() ?? this.#lastLine()
      if (!decoded) break
      this.#decoded(decoded)
    }
    this.#noteUnfinished()
    if (this.#inputEnded && this.#inFlight === 0) this.#hangUp()
    else if (!this.#deaf && !this.#mayAsk() && this.#unfinished.bytes > 0) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  #mayAsk(): boolean {
    if (this.#deaf || this.#oneAtATime || this.#socket.writableNeedDrain) return false
    const { requests, askedBytes, answerBytes } = this.#port.bounds
    if (this.#inFlight === 0) return this.#answers.bytes < answerBytes
    if (this.#inFlight >= requests || this.#asked.bytes >= askedBytes) return false
    return this.#answers.bytes + (this.#asking + 1) * this.#expectedBytes <= answerBytes
  }

  /** The last line of the input, which ends with the input and not with a newline. */
  #lastLine(): Decoded | null {
    return this.#inputEnded && this.#decoder instanceof LineDecoder ? this.#decoder.rest() : null
  }

  /**
   * Closes the connection after the last answer. A socket destroyed with unread bytes resets the connection, and the
   * client may lose that answer: so further input is read, and thrown away, for {@link lastWordsMs}.
   */
  #hangUp(): void {
    this.#deaf = true
    if (this.#socket.writableEnded) return
    this.#socket.end()
    this.#socket.resume()
    setTimeout(() => this.#socket.destroy(), lastWordsMs).unref()
  }

  /**
   * Counts this connection's unfinished request in the port's tally, and notes since when the port waits for the rest
   * of it.
   */
  #noteUnfinished(): void {
    this.#unfinished.set(this.#deaf ? 0 : (this.#decoder?.capacity ?? 0))
    const isWaiting = this.#unfinished.bytes > 0 && this.#mayAsk()
    if (!isWaiting) this.#unfinishedSince = never
    else if (this.#unfinishedSince === never) this.#unfinishedSince = Date.now()
    if (isWaiting) this.#port.makeWay()
  }

  #decoded(decoded: Decoded): void {
    this.#unfinishedSince = never
    if ('problem' in decoded) return this.refuse('too_large', decoded.problem)
    const { bytes } = decoded
    // No request is empty: a sender of zeros does not know the framing, and must not get an answer for every zero.
    if (bytes.length === 0) return this.refuse('bad_request', 'a frame without a request in it')
    if (this.#decoder instanceof LineDecoder && isRequestLine(bytes)) return this.#refuseHttp()
    this.#lastAskedAt = Date.now()
    this.#port.spoke(this)
    const request = this.#parse(bytes)
    if ('problem' in request)
      return this.#exchange(undefined, 0, (reply) => reply(failure('bad_request', request.problem)))
    if (this.#port.tallies.asked.isOver && bytes.length > smallRequestBytes) {
      const full = failure('overloaded', 'the requests that wait here take all the memory that they may')
      return this.#exchange(request.id, 0, (reply) => reply(full))
    }
    this.#exchange(request.id, bytes.length, (reply) => this.#ask(request.candidate, reply, this.#name))
  }

  /** Refuses an HTTP request: a page in a browser may have sent it, and no line behind it is performed. */
  #refuseHttp(): void {
    this.#port.report({ event: 'client_dropped', remote: this.#socket.remoteAddress, reason: spokeHttp })
    const sentence = `This port of raft-roadmap speaks JSON, in frames or lines, and no HTTP; ${metricsSentence(this.#port.metricsAt)}`
    // Behind earlier requests it is no browser, and their answers come first.
    if (this.#inFlight > 0) return this.refuse('bad_request', sentence)
    this.#deaf = true
    this.#letGo()
    refuseHttp(this.#socket, sentence)
  }

  #parse(bytes: Buffer): Parsed {
    const parsed = parseStranger(bytes)
    if ('problem' in parsed) return parsed
    const { value, shape } = parsed
    if (!isObject(value)) return { problem: 'a request is a JSON object: {"command":"ping"}' }
    if (shape.fields > Object.keys(value).length) {
      return { problem: `${JSON.stringify(doubledField(bytes)?.slice(0, 64))} is there twice; which of them counts?` }
    }
    if (shape.hasEscapes && !isWellFormed(value)) {
      return {
        problem: 'not well-formed Unicode: it holds half of a surrogate pair, as \\ud800 without its other half',
      }
    }
    const { id, ...candidate } = value
    const named = Number.isSafeInteger(id) || (typeof id === 'string' && id.length <= 128)
    if (named || (id === undefined && this.#decoder instanceof LineDecoder)) return { id, candidate }
    if (id === undefined) return { problem: 'a framed request needs an "id", to tell its answer by' }
    return { problem: '"id" must be a whole number, or a string of at most 128 characters' }
  }

  /**
   * Asks one request, and writes its answer when the node has given it. @param bytes of the request; 0 if its text is
   * not kept
   */
  #exchange(id: unknown, bytes: number, ask: (reply: (answer: Answer) => void) => void): void {
    // The request's strings take up to two bytes of memory for each byte that came.
    const cost = requestBytes + 2 * bytes
    this.#inFlight++
    this.#asking++
    this.#asked.add(cost)
    if (id === undefined) this.#oneAtATime = true
    ask((answer) => {
      if (id === undefined) this.#oneAtATime = false
      this.#asking--
      if (this.#socket.destroyed) return
      this.#asked.add(-cost)
      this.#answered(id, answer)
    })
  }

  /**
   * Queues an answer for the client. Only a read has a large answer, so the client may be told that the read was not
   * done.
   */
  #answered(id: unknown, answer: Answer): void {
    const bytes = memoryOf(answer)
    this.#expectedBytes = Math.max(bytes, this.#expectedBytes - Math.ceil(this.#expectedBytes / 8))
    const { mostAnswerBytes } = this.#port.bounds
    if (bytes > smallAnswerBytes && this.#answers.bytes > mostAnswerBytes) {
      const most = `${this.#answers.bytes} bytes of answers wait to be read on this connection; read them first`
      return this.#reply({ id, answer: failure('overloaded', most), bytes: refusalBytes })
    }
    this.#reply({ id, answer, bytes })
    if (this.#port.tallies.answers.isOver) this.#port.relieve()
  }

  #reply(reply: Reply): void {
    this.#ready.push(reply)
    this.#answers.add(reply.bytes)
    this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#flushDue) return
    this.#flushDue = true
    process.nextTick(() => {
      this.#flushDue = false
      this.#flush()
    })
  }

  /**
   * Writes the answers that are ready, in one write, if the client has read the write before. A fast reader of large
   * values could keep this process writing for ever: answers over `writeCharacters` wait until other connections had
   * their turn.
   */
  #flush(): void {
    if (this.#ready.length > 0 && !this.#socket.writableNeedDrain && !this.#socket.destroyed) {
      const texts = this.#encode()
      const written = this.#ready.slice(0, texts.length)
      this.#ready = this.#ready.slice(texts.length)
      this.#inFlight -= texts.length
      this.#write(this.#decoder instanceof FrameDecoder ? encodeFrames(texts) : Buffer.from(`${texts.join('\n')}\n`))
      for (const { bytes } of written) this.#answers.add(-bytes)
      if (this.#ready.length > 0) setImmediate(() => this.#scheduleFlush())
    }
    this.#pump()
  }

  /** Writes bytes to the socket. Bytes count as untaken until the operating system has taken them all. */
  #write(bytes: Buffer): void {
    this.#answers.add(bytes.length)
    this.#socket.write(bytes, () => {
      if (this.#socket.destroyed) return
      this.#answers.add(-bytes.length)
      if (this.#answers.bytes > 0 || !this.#isWatched) return
      this.#isWatched = false
      this.#socket.setTimeout(0)
    })
  }

  #encode(): string[] {
    const texts: string[] = []
    let size = 0
    for (const { id, answer } of this.#ready) {
      const text = JSON.stringify(id === undefined ? answer : { id, ...answer })
      texts.push(text)
      size += text.length
      if (size >= writeCharacters) break
    }
    return texts
  }

  /**
   * Refuses what the client sent, and closes once all is answered: the beginning of the next request cannot be found
   * any more.
   */
  refuse(code: 'bad_request' | 'too_large' | 'overloaded', problem: string): void {
    if (this.#deaf) return
    this.#deaf = true
    this.#inputEnded = true
    this.#unfinished.set(0)
    this.#unfinishedSince = never
    this.#decoder = this.#decoder instanceof FrameDecoder ? new FrameDecoder() : new LineDecoder()
    this.#exchange(undefined, 0, (reply) => reply(failure(code, problem)))
    this.#socket.resume()
  }
}
