/** The length before each frame, big end first. */
export const headerBytes = 4

/** One frame without its length: the bytes of `input` from `from` up to `end`. */
export type FrameHandler = (input: Buffer, from: number, end: number) => void

/** Cuts what arrives on one connection into frames; it checks and limits nothing, so it costs next to nothing. */
export class Frames {
  #rest: Buffer = Buffer.alloc(0)

  /** @param chunk lent: what is left over of it is copied */
  push(chunk: Buffer, handle: FrameHandler): void {
    const input = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    let at = 0
    while (at + headerBytes <= input.length) {
      const from = at + headerBytes
      const end = from + input.readUInt32BE(at)
      if (end > input.length) break
      handle(input, from, end)
      at = end
    }
    if (at < input.length) this.#rest = Buffer.from(input.subarray(at))
    else if (this.#rest.length > 0) this.#rest = Buffer.alloc(0)
  }
}
