import type { Socket } from 'node:net'
import { type Answer, type Ask, type Event, failure, isObject } from '../contracts.js'
import type { ClientBounds, ClientTallies } from './client-bounds.js'
import { type Decoded, type Decoder, encodeFrames, FrameDecoder, LineDecoder } from './framing.js'
import { doubledField, isWellFormed, parseStranger } from './json-shape.js'
import { memoryOf } from './tally.js'

/** Text that is written at once; what is over it waits until others had their turn. */
const writeCharacters = 1024 * 1024
/** How long a client that we are done with may take to notice. */
export const lastWordsMs = 1_000
/** What a request costs besides its bytes. */
const requestBytes = 512
/** An answer up to here is kept whatever waits already: it says what was done. */
const smallAnswerBytes = 16 * 1024
/** What a refusal costs, about. */
const refusalBytes = 512
/** A request up to here is asked whatever waits already: an operator's questions are such. */
const smallRequestBytes = 4 * 1024
/** How large a client's answers are taken to be before the first has come. It falls, and rises, with each. */
const firstExpectation = 512 * 1024
const never = Number.POSITIVE_INFINITY

/** An answer, the `id` of its request (undefined for one that had none), and about how much memory the answer takes. */
interface Reply {
  readonly id: unknown
  readonly answer: Answer
  readonly bytes: number
}

/** The port as one of its connections sees it: bounds and accounts that all share, and what a connection asks of it. */
export interface ConnectionOwner {
  readonly bounds: ClientBounds
  readonly tallies: ClientTallies
  readonly ask: Ask
  /** Hears that something was asked on a connection. */
  spoke(connection: ClientConnection): void
  /** Makes room where too much has not arrived whole, or too many answers are not taken. */
  makeWay(): void
  relieve(): void
  report(event: Event): void
}

type Parsed = { readonly id: unknown; readonly candidate: Record<string, unknown> } | { readonly problem: string }

/**
 * One client. Requests with an `id` are asked as they come, and their answers leave as they are ready. A request
 * without one is for people at `nc`: it is answered before the next is asked, so that what was typed first has
 * happened first, and the order tells the answers apart.
 *
 * A client that has too much under way is not read any more. How large its answers will be is not known when it asks: it is
 * expected of them what those before were, so that a client that reads slowly pins little and one that reads fast waits for nothing.
 */
export class ClientConnection {
  readonly #socket: Socket
  readonly #port: ConnectionOwner
  readonly #unfinished
  readonly #asked
  readonly #answers
  #decoder: Decoder | null = null
  #lastAskedAt = Date.now()
  /** When the request began that has not arrived whole; never if there is none. */
  #unfinishedSince = never
  /** Asked, and not answered; asked, and the answer not written yet. */
  #asking = 0
  #inFlight = 0
  #expectedBytes = firstExpectation
  /** A request without an id waits for its answer. */
  #oneAtATime = false
  /** Ready to leave, not encoded yet: what a slow reader has not fetched costs a reference, not a copy. */
  #ready: Reply[] = []
  #flushDue = false
  /** Whether the socket looks whether anything is taken. */
  #isWatched = false
  /** Nothing more will be asked: the client ended its side, or said something after which nothing can be understood. */
  #inputEnded = false
  /** Whatever still comes in is thrown away. */
  #deaf = false

  constructor(socket: Socket, port: ConnectionOwner) {
    this.#socket = socket
    this.#port = port
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

  /** Turns a request away that does not arrive, and begins to look whether answers are taken. */
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

  /** Sends what is ready, as far as it is read at once, and closes. */
  end(): void {
    this.#deaf = true
    this.#flush()
    this.#socket.destroySoon()
  }

  #received(chunk: Buffer): void {
    if (this.#deaf) return
    this.#decoder ??= chunk[0] === 0 ? new FrameDecoder() : new LineDecoder()
    this.#decoder.push(chunk)
    this.#pump()
  }

  #ended(): void {
    this.#inputEnded = true
    this.#pump()
  }

  /** Asks all that has arrived, as far as this client's window goes. */
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

  /** A line that the client's end of input ends. */
  #lastLine(): Decoded | null {
    return this.#inputEnded && this.#decoder instanceof LineDecoder ? this.#decoder.rest() : null
  }

  /**
   * Closes after the last answer. A socket that is destroyed with bytes unread resets the connection, and the client
   * may lose that answer: so what it still sends is read, and thrown away, for a moment.
   */
  #hangUp(): void {
    this.#deaf = true
    if (this.#socket.writableEnded) return
    this.#socket.end()
    this.#socket.resume()
    setTimeout(() => this.#socket.destroy(), lastWordsMs).unref()
  }

  /** Keeps the sum of all unfinished requests in bounds, and the moment since which this one has kept us waiting. */
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
    // No request is empty: whoever sends zeros does not know the framing, and should not get an answer to every four.
    if (bytes.length === 0) return this.refuse('bad_request', 'a frame without a request in it')
    this.#lastAskedAt = Date.now()
    this.#port.spoke(this)
    const request = this.#parse(bytes)
    if ('problem' in request)
      return this.#exchange(undefined, 0, (reply) => reply(failure('bad_request', request.problem)))
    if (this.#port.tallies.asked.isOver && bytes.length > smallRequestBytes) {
      const full = failure('overloaded', 'the requests that wait here take all the memory that they may')
      return this.#exchange(request.id, 0, (reply) => reply(full))
    }
    this.#exchange(request.id, bytes.length, (reply) => this.#port.ask(request.candidate, reply))
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

  /** Asks, and sees to it that the answer leaves. @param bytes of the request, if it is to be kept until then */
  #exchange(id: unknown, bytes: number, ask: (reply: (answer: Answer) => void) => void): void {
    // Its texts take up to two bytes for each that came.
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

  /** Only what changes nothing has a large answer. So the client can be told instead that it was not done. */
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
   * Encodes and writes what is ready, in one write, if the client has read what went before. A fast reader of large
   * values could keep us writing for ever: what is over the window waits until the others had their turn.
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

  /** Bytes count until the system has taken them all. */
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

  /** Says why, and closes once all is answered: there is no telling where the next request would begin. */
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
