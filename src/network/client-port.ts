import { createServer, type Server, type Socket } from 'node:net'
import { type Answer, failure, isObject } from '../contracts.js'
import { type Decoded, type Decoder, encodeFrames, FrameDecoder, LineDecoder, parseJson } from './framing.js'

/** Asks a node; the answer comes later, once, or never if the node dies. */
export type Ask = (candidate: Readonly<Record<string, unknown>>, answer: (answer: Answer) => void) => void

/** What one client may keep a node busy with. Past it the node stops reading that client's socket. */
const window = { requests: 1_024, replyBytes: 1024 * 1024 }
/** Bytes of unfinished requests over all connections; past it, whoever adds to them is turned away. */
const maxUnfinishedBytes = 256 * 1024 * 1024
/** How long the pieces of one request may take to arrive. */
const slowestRequestMs = 30_000
/** How long a client that we are done with may take to notice. */
const lastWordsMs = 1_000

/**
 * Where clients connect. One port, two framings, told apart by the first byte: a frame's length is under 2^24, so its
 * first byte is 0, which no line of JSON begins with.
 */
export class ClientPort {
  readonly #server: Server
  readonly #connections = new Set<Connection>()
  readonly #budget = { unfinished: 0 }
  #sweep: NodeJS.Timeout | undefined

  constructor(ask: Ask) {
    // Half-open: a client that has asked and closes its side (`nc -N`) still gets its answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, (socket) => {
      const connection = new Connection(socket, ask, this.#budget)
      this.#connections.add(connection)
      socket.once('close', () => this.#connections.delete(connection))
    })
  }

  /** Rejects as `net.Server` does, with `EADDRINUSE` among others. */
  listen(host: string, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog: 4_096 }, () => {
        this.#server.removeListener('error', reject)
        // Running out of file descriptors costs the newcomer its connection, not the node its life.
        this.#server.on('error', () => {})
        this.#sweep = setInterval(() => this.#dropTheSlow(), slowestRequestMs / 4)
        this.#sweep.unref()
        resolve()
      })
    })
  }

  #dropTheSlow(): void {
    for (const connection of this.#connections) connection.dropIfSlow(Date.now() - slowestRequestMs)
  }

  /** Sends what is ready and ends every connection. */
  async close(): Promise<void> {
    clearInterval(this.#sweep)
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    for (const connection of this.#connections) connection.end()
    await closed
  }
}

/** An answer, and the `id` of its request: undefined for one that had none. */
interface Reply {
  readonly id: unknown
  readonly answer: Answer
}

/**
 * One client. Requests with an `id` are asked as they come, and their answers leave as they are ready. A request
 * without one is for people at `nc`: it is answered before the next is asked, so that what was typed first has
 * happened first, and the order tells the answers apart.
 */
class Connection {
  readonly #socket: Socket
  readonly #ask: Ask
  readonly #budget: { unfinished: number }
  #decoder: Decoder | null = null
  #counted = 0
  #unfinishedSince = 0
  /** Asked, and the answer not written yet. */
  #inFlight = 0
  /** A request without an id waits for its answer. */
  #oneAtATime = false
  /** Ready to leave, not encoded yet: what a slow reader has not fetched costs a reference, not a copy. */
  #ready: Reply[] = []
  #flushDue = false
  /** Nothing more will be asked: the client ended its side, or said something after which nothing can be understood. */
  #inputEnded = false
  /** Whatever still comes in is thrown away. */
  #deaf = false

  constructor(socket: Socket, ask: Ask, budget: { unfinished: number }) {
    this.#socket = socket
    this.#ask = ask
    this.#budget = budget
    socket.on('data', (chunk) => this.#received(chunk as Buffer))
    socket.on('end', () => this.#ended())
    socket.on('drain', () => this.#flush())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#count(0))
  }

  dropIfSlow(before: number): void {
    if (this.#unfinishedSince === 0 || this.#unfinishedSince > before) return
    this.#refuse('bad_request', 'the request did not arrive whole in time')
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
    else if (!this.#deaf && !this.#mayAsk() && this.#counted > 0) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  #mayAsk(): boolean {
    if (this.#deaf || this.#oneAtATime) return false
    return this.#inFlight < window.requests && !this.#socket.writableNeedDrain
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
    const held = this.#deaf ? 0 : (this.#decoder?.held ?? 0)
    this.#count(held)
    if (held === 0 || !this.#mayAsk()) this.#unfinishedSince = 0
    else if (this.#unfinishedSince === 0) this.#unfinishedSince = Date.now()
    if (held > 0 && !this.#deaf && this.#budget.unfinished > maxUnfinishedBytes) {
      this.#refuse('overloaded', 'too many unfinished requests are held already')
    }
  }

  #count(held: number): void {
    this.#budget.unfinished += held - this.#counted
    this.#counted = held
  }

  #decoded(decoded: Decoded): void {
    this.#unfinishedSince = 0
    if ('problem' in decoded) return this.#refuse('too_large', decoded.problem)
    // No request is empty: whoever sends zeros does not know the framing, and should not get an answer to every four.
    if (decoded.bytes.length === 0) return this.#refuse('bad_request', 'a frame without a request in it')
    const request = this.#parse(decoded.bytes)
    if ('problem' in request)
      return this.#exchange(undefined, (reply) => reply(failure('bad_request', request.problem)))
    this.#exchange(request.id, (reply) => this.#ask(request.candidate, reply))
  }

  #parse(bytes: Buffer): { id: unknown; candidate: Record<string, unknown> } | { problem: string } {
    const parsed = parseJson(bytes)
    if ('problem' in parsed) return parsed
    if (!isObject(parsed.value)) return { problem: 'a request is a JSON object: {"command":"ping"}' }
    const { id, ...candidate } = parsed.value
    const named = Number.isSafeInteger(id) || (typeof id === 'string' && id.length <= 128)
    if (named || (id === undefined && this.#decoder instanceof LineDecoder)) return { id, candidate }
    if (id === undefined) return { problem: 'a framed request needs an "id", to tell its answer by' }
    return { problem: '"id" must be a whole number, or a string of at most 128 characters' }
  }

  /** Asks, and sees to it that the answer leaves. */
  #exchange(id: unknown, ask: (reply: (answer: Answer) => void) => void): void {
    this.#inFlight++
    if (id === undefined) this.#oneAtATime = true
    ask((answer) => {
      if (id === undefined) this.#oneAtATime = false
      this.#ready.push({ id, answer })
      this.#scheduleFlush()
    })
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
      this.#ready = this.#ready.slice(texts.length)
      this.#inFlight -= texts.length
      this.#socket.write(this.#decoder instanceof FrameDecoder ? encodeFrames(texts) : `${texts.join('\n')}\n`)
      if (this.#ready.length > 0) setImmediate(() => this.#scheduleFlush())
    }
    this.#pump()
  }

  #encode(): string[] {
    const texts: string[] = []
    let size = 0
    for (const { id, answer } of this.#ready) {
      const text = JSON.stringify(id === undefined ? answer : { id, ...answer })
      texts.push(text)
      size += text.length
      if (size >= window.replyBytes) break
    }
    return texts
  }

  /** Says why, and closes once all is answered: there is no telling where the next request would begin. */
  #refuse(code: 'bad_request' | 'too_large' | 'overloaded', problem: string): void {
    this.#deaf = true
    this.#inputEnded = true
    this.#count(0)
    this.#exchange(undefined, (reply) => reply(failure(code, problem)))
    this.#socket.resume()
  }
}
