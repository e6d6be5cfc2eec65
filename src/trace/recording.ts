import { fold, type TraceLine } from './fold.js'
import { noPicture, type Picture } from './picture.js'

/** Events between two keyframes. */
const stride = 256
/** Events and bytes that a recording holds at most. */
export interface Room {
  readonly events: number
  /** Bytes of the events as JSON. Pictures hold no more than their events do. */
  readonly bytes: number
}

/** The room of a run that has no end: its oldest events are forgotten. */
export const ringRoom: Room = { events: 20_000, bytes: 16 * 1024 * 1024 }
/** The room of a run that is kept whole. */
export const allRoom: Room = { events: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

/** Events with pictures of some moments among them, so that the picture of any moment is near. */
export class Recording {
  readonly #room: Room
  #lines: TraceLine[] = []
  /** Bytes of each block of {@link stride} events, the last of which is not full yet. */
  #blocks: number[] = [0]
  /** Bytes of all events that are held, as JSON. */
  bytes = 0
  /** The picture before each block of {@link stride} events. */
  #keyframes: Picture[]
  /** Events that were forgotten, all of them before the first that is held. */
  #forgotten = 0
  #now: Picture

  /** @param start the picture before the first event, and the number of events that led to it */
  constructor(start: Picture = noPicture, room = ringRoom) {
    this.#room = room
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

  /** Adds an event. @param bytes of the event as JSON */
  add(line: TraceLine, bytes = 0): void {
    this.#now = fold(this.#now, line)
    this.#lines.push(line)
    this.#blocks[this.#blocks.length - 1]! += bytes
    this.bytes += bytes
    if (this.#lines.length % stride === 0) {
      this.#keyframes.push(this.#now)
      this.#blocks.push(0)
    }
    const { events, bytes: most } = this.#room
    while (this.#blocks.length > 1 && (this.#lines.length >= events + stride || this.bytes > most)) this.#forget()
  }

  /** Forgets the oldest block. */
  #forget(): void {
    this.#lines = this.#lines.slice(stride)
    this.#keyframes = this.#keyframes.slice(1)
    this.bytes -= this.#blocks.shift()!
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
