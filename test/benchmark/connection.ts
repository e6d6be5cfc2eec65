import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Hears that the request in a slot was answered, and the code of the error if it was refused. */
export type AnswerHandler = (slot: number, error: string | null) => void

/** One connection's side of a protocol: names requests, and finds in what arrives whom it answers. */
export interface Dialogue {
  /** How many requests the server is willing to take just now. */
  readonly room: number
  /** The id under which the next request of a slot goes. */
  idFor(slot: number): number
  /** Hears of every request that is about to leave. @param at where in the bytes it begins */
  sent(bytes: Buffer, at: number): void
  /** @param chunk lent: what is left over of it is copied */
  push(chunk: Buffer): void
}

/** @param write sends what the protocol itself has to say, beside requests */
export type DialogueFactory = (
  answered: AnswerHandler,
  write: (bytes: Buffer) => void,
  maxRequestBytes: number,
) => Dialogue

/** The load that a connection carries: it writes requests and counts answers. */
export interface Demand {
  readonly requestBytes: number
  /** @returns where the request ends */
  writeNext(into: Buffer, at: number, id: number): number
  count(latencyMs: number, error: string | null): void
}

/** What one read of a socket takes in at most. One buffer serves all of them: it is emptied before the next read. */
const readBuffer = Buffer.alloc(256 * 1024)

/**
 * One connection with a number of requests in flight, a slot each. All that one read of the socket brings is answered
 * by one write, and shares one reading of the clock.
 */
export class Connection {
  readonly connected: Promise<unknown>
  readonly #load: Demand
  readonly #socket: Socket
  readonly #sentAt: Float64Array
  readonly #dialogue: Dialogue
  /** Slots whose next request is due. */
  readonly #due: number[] = []
  #now = 0

  constructor(
    load: Demand,
    inFlight: number,
    dialogue: DialogueFactory,
    address: { host: string; port: number },
    onLost: (reason: string) => void,
  ) {
    this.#load = load
    this.#sentAt = new Float64Array(inFlight)
    const callback = (count: number) => {
      this.#received(readBuffer.subarray(0, count))
      return true
    }
    this.#socket = connect({ ...address, noDelay: true, onread: { buffer: readBuffer, callback } })
    this.connected = once(this.#socket, 'connect')
    this.#socket.on('error', (error) => onLost(error.message))
    this.#socket.on('close', () => onLost('the server closed the connection'))
    this.#dialogue = dialogue(
      (slot, error) => this.#answered(slot, error),
      (bytes) => this.#socket.write(bytes),
      load.requestBytes,
    )
  }

  begin(): void {
    this.#now = performance.now()
    for (let slot = 0; slot < this.#sentAt.length; slot++) this.#due.push(slot)
    this.#sendDue()
  }

  #received(chunk: Buffer): void {
    this.#now = performance.now()
    this.#dialogue.push(chunk)
    this.#sendDue()
  }

  #answered(slot: number, error: string | null): void {
    this.#load.count(this.#now - this.#sentAt[slot]!, error)
    this.#due.push(slot)
  }

  #sendDue(): void {
    const slots = this.#due.splice(0, this.#dialogue.room)
    if (slots.length === 0) return
    const bytes = Buffer.allocUnsafe(slots.length * this.#load.requestBytes)
    let end = 0
    for (const slot of slots) {
      const at = end
      end = this.#load.writeNext(bytes, at, this.#dialogue.idFor(slot))
      this.#dialogue.sent(bytes, at)
      this.#sentAt[slot] = this.#now
    }
    this.#socket.write(bytes.subarray(0, end))
  }
}
