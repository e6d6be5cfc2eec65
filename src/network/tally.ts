/** Bytes that several hold together, and how many they may. Who holds them has a share. */
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

/** What one holder adds to a tally. Its holder gives it back by setting it to 0. */
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

/** What an object costs besides its texts. */
const objectBytes = 64
/** A text up to here is taken to need two bytes for each character; a longer one is looked at. */
const shortText = 1_024

/** About how much memory plain data keeps from being used otherwise. */
export function memoryOf(value: unknown): number {
  if (typeof value === 'string') return textBytes(value)
  if (typeof value !== 'object' || value === null) return 8
  let bytes = objectBytes
  if (Array.isArray(value)) for (const element of value) bytes += memoryOf(element)
  else for (const name in value) bytes += memoryOf((value as Record<string, unknown>)[name])
  return bytes
}

/** A text of one-byte characters takes a byte for each, every other two. */
function textBytes(text: string): number {
  if (text.length <= shortText) return text.length * 2
  return Buffer.byteLength(text) === text.length ? text.length : text.length * 2
}
