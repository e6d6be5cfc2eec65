import { fold, type TraceLine } from './fold.js'
import { noPicture, type Picture } from './picture.js'

/** Events between two keyframes. */
const stride = 256
/** Events that a recording holds at most, unless another number is given; the oldest are forgotten. */
const mostEvents = 20_000

/** Events with pictures of some moments among them, so that the picture of any moment is near. */
export class Recording {
  readonly #most: number
  #lines: TraceLine[] = []
  /** The picture before each block of {@link stride} events. */
  #keyframes: Picture[]
  /** Events that were forgotten, all of them before the first that is held. */
  #forgotten = 0
  #now: Picture

  /** @param start the picture before the first event, and the number of events that led to it */
  constructor(start: Picture = noPicture, most = mostEvents) {
    this.#most = most
    this.#now = start
    this.#forgotten = start.events
    this.#keyframes = [start]
  }

  /** The number of the first event that is held. */
  get first(): number {
    return this.#forgotten
  }

  /** The number behind the last event. */
  get end(): number {
    return this.#forgotten + this.#lines.length
  }

  /** The picture behind the last event. */
  get now(): Picture {
    return this.#now
  }

  /** The picture before the first event that is held. */
  get start(): Picture {
    return this.#keyframes[0]!
  }

  add(line: TraceLine): void {
    this.#now = fold(this.#now, line)
    this.#lines.push(line)
    if (this.#lines.length % stride === 0) this.#keyframes.push(this.#now)
    if (this.#lines.length >= this.#most + stride) this.#forget()
  }

  #forget(): void {
    this.#lines = this.#lines.slice(stride)
    this.#keyframes = this.#keyframes.slice(1)
    this.#forgotten += stride
  }

  /** The event of a number; undefined if it is not held. */
  line(number: number): TraceLine | undefined {
    return this.#lines[number - this.#forgotten]
  }

  /** The events from a number on, up to another one. */
  lines(from: number, to = this.end): readonly TraceLine[] {
    return this.#lines.slice(Math.max(0, from - this.#forgotten), Math.max(0, to - this.#forgotten))
  }

  /** The picture before the event of a number. */
  at(number: number): Picture {
    const place = Math.min(Math.max(0, number - this.#forgotten), this.#lines.length)
    if (place === this.#lines.length) return this.#now
    const block = Math.floor(place / stride)
    return this.#lines.slice(block * stride, place).reduce(fold, this.#keyframes[block]!)
  }

  /** Finds the number behind the last event that is not later than a moment. */
  upTo(moment: number): number {
    let [low, high] = [0, this.#lines.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((this.#lines[middle]!.at ?? 0) <= moment) low = middle + 1
      else high = middle
    }
    return this.#forgotten + low
  }
}
