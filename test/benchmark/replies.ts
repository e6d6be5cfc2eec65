const headerBytes = 4
const beginning = Buffer.from('{"id":')
const refusal = Buffer.from(',"ok":false')
const digitZero = 48

/** One reply, as far as the generator cares: whose it is, and the code of its error if it is one. */
export type ReplyHandler = (id: number, error: string | null) => void

/**
 * Cuts what arrives on one connection into replies. JSON is not parsed: a reply begins with its id, as our servers
 * write it, and whether it succeeded is seen by the bytes behind that. Whatever looks otherwise is parsed after all.
 */
export class Replies {
  #rest: Buffer = Buffer.alloc(0)
  readonly #handle: ReplyHandler

  constructor(handle: ReplyHandler) {
    this.#handle = handle
  }

  /** @param chunk lent: what is left over of it is copied */
  push(chunk: Buffer): void {
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + headerBytes <= input.length) {
      const from = at + headerBytes
      const end = from + input.readUInt32BE(at)
      if (end > input.length) break
      this.#reply(input, from, end)
      at = end
    }
    if (at < input.length) this.#rest = Buffer.from(input.subarray(at))
    else if (this.#rest.length > 0) this.#rest = Buffer.alloc(0)
  }

  #reply(input: Buffer, from: number, end: number): void {
    let at = from + beginning.length
    if (!holds(input, from, beginning)) return this.#parse(input.subarray(from, end))
    let id = 0
    for (; input[at]! >= digitZero && input[at]! <= digitZero + 9; at++) id = id * 10 + input[at]! - digitZero
    if (holds(input, at, refusal)) this.#parse(input.subarray(from, end))
    else this.#handle(id, null)
  }

  #parse(bytes: Buffer): void {
    const reply = JSON.parse(bytes.toString()) as { id: number; error?: { code: string } }
    this.#handle(reply.id, reply.error?.code ?? null)
  }
}

function holds(input: Buffer, at: number, text: Buffer): boolean {
  for (let offset = 0; offset < text.length; offset++) if (input[at + offset] !== text[offset]) return false
  return true
}
