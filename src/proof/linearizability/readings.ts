import type { State } from './model.js'

/** Values that are searched for one question; with more, the answer is later than need be. */
const maximumScan = 64

/** The last positions at which values are read; a text finds the values that begin with it or contain it. */
export class Readings {
  /** The values in order, without values that another one begins with. */
  readonly #values: readonly string[]
  /** The last reading of each value, or of a beginning of it. */
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

  /** Finds the last position at which a value is read that begins with this text. */
  lastBeginning(text: string): number {
    const first = this.#firstNotBefore(text)
    let last = -1
    for (let at = first; this.#values[at]?.startsWith(text); at++) {
      if (at - first === maximumScan) return this.#lastOfAll
      last = Math.max(last, this.#last[at]!)
    }
    return last
  }

  /** Finds the last position at which a value is read that contains this text. */
  lastWithin(text: string): number {
    return this.#values.reduce((last, value, at) => (value.includes(text) ? Math.max(last, this.#last[at]!) : last), -1)
  }

  /**
   * Finds the first value not before a text. Values that begin with the text stand together in the order, none before
   * the text.
   */
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
