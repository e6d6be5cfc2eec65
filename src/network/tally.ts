/** A count of bytes that several holders keep together, with a limit. Each holder has a share. */
export class Tally {
  readonly limit: number
  held = 0

  constructor(limit: number) {
    this.limit = limit
  }

  get isOver(): boolean {
    return this.held > this.limit
  }

  share(): Share {
    return new Share(this)
  }
}

/** One holder's part of a tally. The holder gives it back by setting it to 0. */
export class Share {
  readonly #tally: Tally
  #bytes = 0

  constructor(tally: Tally) {
    this.#tally = tally
  }

  get bytes(): number {
    return this.#bytes
  }

  set(bytes: number): void {
    this.#tally.held += bytes - this.#bytes
    this.#bytes = bytes
  }

  add(bytes: number): void {
    this.set(this.#bytes + bytes)
  }
}

/** Bytes of memory that an object costs besides its strings. */
const objectBytes = 64
/** Characters of a short string. A short string is counted with two bytes a character; a longer one is inspected. */
const shortText = 1_024

/** Estimates the bytes of memory that plain data occupies. */
export function memoryOf(value: unknown): number {
  if (typeof value === 'string') return textBytes(value)
  if (typeof value !== 'object' || value === null) return 8
  let bytes = objectBytes
  if (Array.isArray(value)) for (const element of value) bytes += memoryOf(element)
  else for (const name in value) bytes += memoryOf((value as Record<string, unknown>)[name])
  return bytes
}

/** Estimates the bytes of a string: a long string of ASCII has one for each character, every other string two. */
function textBytes(text: string): number {
  if (text.length <= shortText) return text.length * 2
  return Buffer.byteLength(text) === text.length ? text.length : text.length * 2
}
