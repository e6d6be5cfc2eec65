import type { Random } from '../../contracts.js'

/**
 * Chance from a seed: Chris Doty-Humphrey's sfc32, whose 128 bits of state pass PractRand. The same seed gives the
 * same numbers on every machine, since all arithmetic is on 32-bit integers.
 */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** @param seed any safe integer */
  constructor(seed: number) {
    this.#a = seed | 0
    this.#b = Math.floor(seed / 2 ** 32) | 0
    this.#c = 0x9e3779b9 | 0
    for (let round = 0; round < 15; round++) this.#bits()
  }

  #bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum
    return sum >>> 0
  }

  next(): number {
    return this.#bits() / 2 ** 32
  }

  /** Draws a whole number, at least `from` and at most `to`. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  /** Draws true with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]!
  }

  /** Makes a separate source for one part of a run, so that draws of another part do not disturb it. */
  fork(): SeededRandom {
    return new SeededRandom(this.between(0, 2 ** 32 - 1) * 2 ** 20 + this.between(0, 2 ** 20 - 1))
  }
}
