import type { Event, NodeId } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { RunningCluster } from '../engine/cluster.js'
import { UsageError } from '../text/words.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** Time passes so many times slower; 1 is its usual pace. */
    slowed: { factor: number }
    /** The timers of a node run out at once. */
    timed_out: object
  }
}

/** Words that change how time passes in a cluster that was started here. */
export const timeWords = {
  timeout: { usage: 'timeout n3', help: "let n3's election time-out run out now" },
  slow: { usage: 'slow 10', help: 'slow motion: time and messages ten times slower; `slow 1` ends it' },
  freeze: { usage: 'freeze', help: 'stop all nodes in their tracks, to look at them' },
  thaw: { usage: 'thaw', help: 'let the frozen nodes go on, as if no time had passed' },
} as const

type TimeWord = keyof typeof timeWords

export const isTimeWord = (word: string): word is TimeWord => Object.hasOwn(timeWords, word)

/** The most that slow motion slows. */
const slowest = 100
/** Milliseconds of a message's way in slow motion, at least and at most, to be multiplied by the factor. */
const [leastWayMs, mostWayMs] = [12, 20]

/** Changes how time passes in a cluster. */
export class Pace {
  readonly #cluster: RunningCluster
  #frozen: readonly NodeId[] = []

  constructor(cluster: RunningCluster) {
    this.#cluster = cluster
  }

  /**
   * Performs a line of these words. @returns an event for each thing that was done
   *
   * @throws UsageError if the line is none of them; ConfigError if the cluster is not in a state for it
   */
  async perform(line: string): Promise<Event[]> {
    const [word = '', argument, ...rest] = line.trim().split(/\s+/)
    if (rest.length > 0 || !isTimeWord(word)) throw usageOf(word)
    if (word === 'timeout') return [await this.#timeOut(argument ?? '')]
    if (word === 'slow') return [await this.#slow(Number(argument))]
    if (argument !== undefined) throw usageOf(word)
    return word === 'freeze' ? this.#freeze() : this.#thaw()
  }

  async #timeOut(node: string): Promise<Event> {
    if (!/^\w+$/.test(node)) throw usageOf('timeout')
    const status = (await this.#cluster.statuses()).find(({ id }) => id === node)
    if (status?.role === 'leader') throw new ConfigError(`${node} leads: a leader has no election time-out`)
    await this.#cluster.faults.hasten(node)
    return { event: 'timed_out', node }
  }

  async #slow(factor: number): Promise<Event> {
    if (!(factor >= 1 && factor <= slowest)) throw usageOf('slow')
    await this.#cluster.faults.delay(factor === 1 ? null : { minMs: leastWayMs * factor, maxMs: mostWayMs * factor })
    await this.#cluster.faults.slow(factor)
    return { event: 'slowed', factor }
  }

  async #freeze(): Promise<Event[]> {
    const running = this.#cluster.nodes().filter(({ condition }) => condition === 'up')
    if (running.length === 0) throw new ConfigError('no node runs that could be frozen')
    this.#frozen = running.map(({ id }) => id)
    return Promise.all(this.#frozen.map((id) => this.#cluster.faults.pause(id)))
  }

  async #thaw(): Promise<Event[]> {
    const paused = new Set(this.#cluster.nodes().flatMap(({ id, condition }) => (condition === 'paused' ? [id] : [])))
    const frozen = this.#frozen.filter((id) => paused.has(id))
    this.#frozen = []
    if (frozen.length === 0) throw new ConfigError('nothing is frozen; `resume n3` wakes one that was paused')
    return Promise.all(frozen.map((id) => this.#cluster.faults.resume(id)))
  }
}

function usageOf(word: string): UsageError {
  const known = isTimeWord(word) ? [timeWords[word]] : Object.values(timeWords)
  return new UsageError(`usage: ${known.map(({ usage }) => usage).join(', ')}`)
}
