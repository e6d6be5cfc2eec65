import type { State } from './model.js'

/** More values than this are not gone through for one answer; it is then later than need be. */
const maximumScan = 64

/** When values are read that begin with a text, or have it in them. */
export class Readings {
  /** In order, without those that are only the beginning of another one. */
  readonly #values: readonly string[]
  /** For each of them, the last reading of it or of a beginning of it. */
  readonly #last: readonly number[]
  readonly #lastOfAll: number

  constructor(positions: ReadonlyMap<State, number>) {
    const values: string[] = []
    const last: number[] = []
    for (const value of [...positions.keys()].filter((state) => state !== null).sort()) {
      const position = positions.get(value)!
      const isLonger = values.length > 0 && value.startsWith(values.at(-1)!)
      last.push(Math.max(position, isLonger ? last.pop()! : -1))
      if (isLonger) values.pop()
      values.push(value)
    }
    this.#values = values
    this.#last = last
    this.#lastOfAll = last.reduce((one, other) => Math.max(one, other), -1)
  }

  get longest(): string {
    return this.#values.reduce((one, other) => (other.length > one.length ? other : one), '')
  }

  /** When a value is read for the last time that begins with this. */
  lastBeginning(text: string): number {
    const first = this.#firstNotBefore(text)
    let last = -1
    for (let at = first; this.#values[at]?.startsWith(text); at++) {
      if (at - first === maximumScan) return this.#lastOfAll
      last = Math.max(last, this.#last[at]!)
    }
    return last
  }

  /** When a value is read for the last time that has this somewhere in it. */
  lastWithin(text: string): number {
    return this.#values.reduce((last, value, at) => (value.includes(text) ? Math.max(last, this.#last[at]!) : last), -1)
  }

  /** Values that begin with a text stand together in the order, and none of them before the text. */
  #firstNotBefore(text: string): number {
    let low = 0
    let high = this.#values.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#values[middle]! < text) low = middle + 1
      else high = middle
    }
    return low
  }
}
