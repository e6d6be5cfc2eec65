import { randomUUID } from 'node:crypto'
import { stripVTControlCharacters } from 'node:util'
import type { Event } from '../../src/contracts.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { noPicture } from '../../src/trace/picture.js'
import { allRoom, Recording, ringRoom } from '../../src/trace/recording.js'
import { describeEvent, isNotable } from '../text/events.js'
import { compact } from './compact.js'
import type { ShownLine } from './protocol.js'
import { Sampler } from './sampler.js'

/** Steps of a trace that a page does not show: messages, writes and states tell the same. */
const untold: ReadonlySet<string> = new Set('request answer apply query restore duplicated'.split(' '))
/** Steps that are drawn, and need no sentence. */
const drawn: ReadonlySet<string> = new Set(
  'trace state send receive lost write synced recovered not_drawn asked outcome step judged verdict finding'.split(' '),
)
/** Milliseconds for which events are gathered before they are sent. */
const gatherMs = 40

/** The events of one run, for all pages that show it. */
export class Feed {
  readonly run = randomUUID()
  readonly recording: Recording
  readonly #sampler: Sampler | null
  readonly #followers = new Set<() => void>()
  #isGathering = false

  /**
   * @param isLive whether the run has no end; then its oldest events are forgotten
   * @param isSampled whether of very many events some are left out
   */
  constructor(isLive: boolean, isSampled = isLive) {
    this.recording = new Recording(noPicture, isLive ? ringRoom : allRoom)
    this.#sampler = isSampled ? new Sampler() : null
  }

  add(line: TraceLine): void {
    if (untold.has(line.event)) return
    if (this.#sampler?.takes(line) !== false) this.#record(line)
    if (this.#isGathering) return
    this.#isGathering = true
    setTimeout(() => {
      this.#isGathering = false
      for (const rest of this.#sampler?.rest() ?? []) this.#record(rest)
      for (const follower of this.#followers) follower()
    }, gatherMs).unref()
  }

  #record(line: TraceLine): void {
    // Nodes tell their steps by pipes of their own: one that comes late is shown with the moment of the one before.
    const at = Math.max(line.at ?? 0, this.recording.now.at)
    const { line: told, bytes } = compact(withSentence({ ...line, at }))
    this.recording.add(told, bytes)
  }

  /** Calls a function when there is something new. @returns ends that */
  follow(follower: () => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }
}

/** Adds the sentence that the command line would print. */
function withSentence(line: TraceLine): ShownLine {
  const isMessage = typeof line.message === 'object' && line.message !== null
  if (drawn.has(line.event) || isMessage || !isNotable(line as Event)) return line
  const { node: _, ...about } = line
  return { ...line, text: stripVTControlCharacters(describeEvent(about as Event)).trim() }
}
