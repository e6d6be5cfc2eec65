import type { AnswerHandler, Dialogue } from './connection.js'
import { Frames } from './frames.js'
import { firstId } from './requests.js'

const beginning = Buffer.from('{"id":')
const refusal = Buffer.from(',"ok":false')
const digitZero = 48

/**
 * Cuts what arrives on one connection into replies. JSON is not parsed: a reply begins with its id, as our servers
 * write it, and whether it succeeded is seen by the bytes behind that. Whatever looks otherwise is parsed after all.
 */
export class Replies implements Dialogue {
  readonly room = Number.POSITIVE_INFINITY
  readonly #frames = new Frames()
  readonly #handle: AnswerHandler

  constructor(handle: AnswerHandler) {
    this.#handle = handle
  }

  /** Its successor in the same slot takes it over. */
  idFor(slot: number): number {
    return firstId + slot
  }

  sent(): void {}

  push(chunk: Buffer): void {
    this.#frames.push(chunk, this.#reply)
  }

  readonly #reply = (input: Buffer, from: number, end: number): void => {
    let at = from + beginning.length
    if (!holds(input, from, beginning)) return this.#parse(input.subarray(from, end))
    let id = 0
    for (; input[at]! >= digitZero && input[at]! <= digitZero + 9; at++) id = id * 10 + input[at]! - digitZero
    if (holds(input, at, refusal)) this.#parse(input.subarray(from, end))
    else this.#handle(id - firstId, null)
  }

  #parse(bytes: Buffer): void {
    const reply = JSON.parse(bytes.toString()) as { id: number; error?: { code: string } }
    this.#handle(reply.id - firstId, reply.error?.code ?? null)
  }
}

function holds(input: Buffer, at: number, text: Buffer): boolean {
  for (let offset = 0; offset < text.length; offset++) if (input[at + offset] !== text[offset]) return false
  return true
}
