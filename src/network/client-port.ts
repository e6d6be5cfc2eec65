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

/** A request that came in, and its answer once there is one. */
interface Exchange {
  readonly id: unknown
  answer: Answer | null
}

/**
 * One client. Its requests are asked in the order in which they came. Answers leave when they are ready, named by the
 * `id` of their request; those to requests without one leave in the order of the questions, which is all that a
 * person at `nc` has to tell them apart.
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
  /** Requests without an id, oldest first. */
  readonly #inOrder: Exchange[] = []
  /** Ready to leave, not encoded yet: what a slow reader has not fetched costs a reference, not a copy. */
  #ready: Exchange[] = []
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

  /** Sends what is ready and closes. */
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
    else if (!this.#deaf && !this.#mayAsk()) this.#socket.pause()
    else if (this.#socket.isPaused()) this.#socket.resume()
  }

  #mayAsk(): boolean {
    return !this.#deaf && this.#inFlight < window.requests && !this.#socket.writableNeedDrain
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
    if ('problem' in decoded) {
      if (decoded.fatal) return this.#refuse(decoded.code, decoded.problem)
      return this.#exchange(undefined, (answer) => answer(failure(decoded.code, decoded.problem)))
    }
    const parsed = parseJson(decoded.bytes)
    const request = 'value' in parsed ? parsed.value : undefined
    if (!isObject(request)) {
      const problem = 'problem' in parsed ? parsed.problem : 'a request is a JSON object: {"command":"ping"}'
      return this.#exchange(undefined, (answer) => answer(failure('bad_request', problem)))
    }
    const { id, ...candidate } = request
    const problem = this.#problemWithId(id)
    if (problem) return this.#exchange(undefined, (answer) => answer(failure('bad_request', problem)))
    this.#exchange(id, (answer) => this.#ask(candidate, answer))
  }

  #problemWithId(id: unknown): string | null {
    if (id === undefined && this.#decoder instanceof LineDecoder) return null
    if (Number.isSafeInteger(id) || (typeof id === 'string' && id.length <= 128)) return null
    return id === undefined
      ? 'a framed request needs an "id", to tell its answer by'
      : '"id" must be a whole number, or a string of at most 128 characters'
  }

  /** Asks, and sees that the answer leaves in its turn. */
  #exchange(id: unknown, ask: (answer: (answer: Answer) => void) => void): void {
    const exchange: Exchange = { id, answer: null }
    const ordered = id === undefined && this.#decoder instanceof LineDecoder
    if (ordered) this.#inOrder.push(exchange)
    this.#inFlight++
    ask((answer) => {
      exchange.answer = answer
      if (!ordered) this.#ready.push(exchange)
      while (this.#inOrder[0]?.answer) this.#ready.push(this.#inOrder.shift()!)
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

  /** Encodes and writes what is ready, in one write a time, as far as the client keeps reading. */
  #flush(): void {
    while (this.#ready.length > 0 && !this.#socket.writableNeedDrain && !this.#socket.destroyed) {
      const texts: string[] = []
      let size = 0
      for (const { id, answer } of this.#ready) {
        const text = JSON.stringify(id === undefined ? answer : { id, ...answer })
        texts.push(text)
        size += text.length
        if (size >= window.replyBytes) break
      }
      this.#ready = this.#ready.slice(texts.length)
      this.#inFlight -= texts.length
      this.#socket.write(this.#decoder instanceof FrameDecoder ? encodeFrames(texts) : `${texts.join('\n')}\n`)
    }
    this.#pump()
  }

  /** Says why, and closes once all is answered: there is no telling where the next request would begin. */
  #refuse(code: 'bad_request' | 'too_large' | 'overloaded', problem: string): void {
    this.#deaf = true
    this.#inputEnded = true
    this.#count(0)
    this.#exchange(undefined, (answer) => answer(failure(code, problem)))
    this.#socket.resume()
  }
}
