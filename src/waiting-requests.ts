import { type Answer, type Command, failure, type Refusal, type RequestId } from './contracts.js'

/** Requests that may wait for their answers at one node; past it, new ones are refused as `overloaded`. */
const mostRequests = 65_536
/** Bytes that the commands of waiting requests may hold together. One alone is taken, however large it is. */
const mostBytes = 64 * 1024 * 1024

interface Waiting {
  readonly bytes: number
  readonly answer: (answer: Answer) => void
}

/** Requests of this node's clients that wait for an answer; bounded in number and in bytes. */
export class WaitingRequests {
  readonly #waiting = new Map<RequestId, Waiting>()
  #next: RequestId = 1
  #bytes = 0
  #drained = () => {}

  get size(): number {
    return this.#waiting.size
  }

  get ids(): RequestId[] {
    return [...this.#waiting.keys()]
  }

  /** @returns the name under which it waits; or why there is no room for it */
  add(command: Command, answer: (answer: Answer) => void): RequestId | Refusal {
    const bytes = bytesOf(command)
    if (this.size >= mostRequests) return failure('overloaded', `${mostRequests} requests are waiting here already`)
    if (this.#bytes > 0 && this.#bytes + bytes > mostBytes)
      return failure('overloaded', `requests of ${mostBytes / 1024 / 1024} MiB are waiting here already`)
    this.#bytes += bytes
    this.#waiting.set(this.#next, { bytes, answer })
    return this.#next++
  }

  /** @returns how to answer it, once; undefined if nobody waits for it any more */
  take(request: RequestId): ((answer: Answer) => void) | undefined {
    const waiting = this.#waiting.get(request)
    if (!waiting) return undefined
    this.#waiting.delete(request)
    this.#bytes -= waiting.bytes
    if (this.size === 0) this.#drained()
    return waiting.answer
  }

  /** Runs a task when the last waiting request has been taken. */
  whenDrained(task: () => void): void {
    this.#drained = task
  }
}

/** Bytes of memory that a command takes at most: its texts, at two bytes a character, and the objects around them. */
function bytesOf(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length
  if (typeof value !== 'object' || value === null) return 8
  if (value instanceof Uint8Array) return value.length
  let bytes = 256
  for (const part of Object.values(value)) bytes += bytesOf(part)
  return bytes
}
