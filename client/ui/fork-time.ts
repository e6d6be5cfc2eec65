import type { NodeId, Traced } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { SimulatedCluster } from '../../src/proof/simulation/cluster.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { UsageError } from '../text/words.js'
import { isStep } from './steps.js'

/** Words that change how virtual time passes. */
export const virtualTimeWords = {
  slow: { usage: 'slow 10', help: "slow motion: time passes ten times slower than the machine's; `slow 1` ends it" },
  freeze: { usage: 'freeze', help: 'stop time, to look at the nodes' },
  thaw: { usage: 'thaw', help: 'let time go on' },
  step: { usage: 'step', help: 'let the next thing happen, and stop time again' },
} as const

/** Checks whether a word changes how virtual time passes. */
export const isVirtualTimeWord = (word: string): word is keyof typeof virtualTimeWords =>
  Object.hasOwn(virtualTimeWords, word)

/** Times that time passes slower than the machine's when a run is handed over, and the most. */
const [usualSlowness, slowest] = [10, 1_000]
/** Milliseconds between two looks at how far virtual time may go. */
const lookMs = 20
/** Virtual milliseconds that pass in a step at most: in a quiet cluster nothing is worth one. */
const longestStepMs = 50

/** The pace of virtual time in the hands of a person. */
export class VirtualPace {
  readonly #cluster: SimulatedCluster
  readonly #show: (line: TraceLine) => void
  /** Virtual time up to which the run may go. */
  #allowed: number
  #lastLook = performance.now()
  #slowness = usualSlowness
  /** The nodes that ran when time was stopped; null while it passes. */
  #frozen: readonly NodeId[] | null = null
  /** The moment at which a step ends, if nothing ends it before; null between steps. */
  #stepEnd: number | null = null
  #isOver = false

  /** @param show shows what only a person sees: the nodes themselves do not notice that time stands still */
  constructor(cluster: SimulatedCluster, show: (line: TraceLine) => void) {
    this.#cluster = cluster
    this.#show = show
    this.#allowed = cluster.now
    this.#tellPace()
  }

  /** Waits until virtual time may go on to the next thing that happens; for ever when the run is over. */
  untilAllowed(): Promise<void> | undefined {
    if (this.#isAllowed) return undefined
    return new Promise((resolve) => {
      const look = () => {
        if (this.#isOver) return
        const now = performance.now()
        if (!this.#frozen) this.#allowed += (now - this.#lastLook) / this.#slowness
        this.#lastLook = now
        if (this.#isAllowed) resolve()
        else setTimeout(look, lookMs).unref()
      }
      look()
    })
  }

  get #isAllowed(): boolean {
    return !this.#isOver && this.#cluster.timeline.next <= (this.#stepEnd ?? this.#allowed)
  }

  /** Hears what happens, and ends a step when it was worth one. */
  heard(line: TraceLine): void {
    if (this.#stepEnd !== null && isStep(line)) this.#endStep()
  }

  #endStep(): void {
    this.#stepEnd = null
    this.#allowed = this.#cluster.now
  }

  /** Ends the run: nothing happens in it any more, and it can be forgotten. */
  end(): void {
    this.#isOver = true
  }

  /** Performs one of the words about time. @throws UsageError if it is none, ConfigError if it cannot be done now */
  perform(line: string): void {
    const [word = '', argument, ...rest] = line.split(/\s+/)
    if (!isVirtualTimeWord(word) || rest.length > 0) throw new UsageError(`no word about time: ${line}`)
    if (word === 'slow') return this.#slow(Number(argument))
    if (argument !== undefined) throw new UsageError(`usage: ${virtualTimeWords[word].usage}`)
    if (word === 'freeze') return this.#freeze()
    if (!this.#frozen) throw new ConfigError('nothing is frozen; `freeze` stops time')
    const { now, timeline } = this.#cluster
    if (word === 'step') this.#stepEnd = (Number.isFinite(timeline.next) ? timeline.next : now) + longestStepMs
    else this.#thaw(this.#frozen)
  }

  #slow(factor: number): void {
    if (!(factor >= 1 && factor <= slowest)) throw new UsageError(`usage: slow 10, from 1 to ${slowest}`)
    this.#slowness = factor
    this.#tellPace()
  }

  #tellPace(): void {
    this.#cluster.trace({ event: 'slowed', factor: this.#slowness } as Traced)
  }

  #freeze(): void {
    if (this.#frozen) throw new ConfigError('time stands still already; `thaw` lets it go on, `step` for one step')
    this.#frozen = this.#cluster.hosts.flatMap(({ id, condition }) => (condition === 'up' ? [id] : []))
    for (const node of this.#frozen) this.#show({ event: 'paused', node, at: this.#cluster.now })
  }

  #thaw(frozen: readonly NodeId[]): void {
    this.#frozen = null
    this.#endStep()
    const isUp = (id: NodeId) => this.#cluster.host(id).condition === 'up'
    for (const node of frozen.filter(isUp)) this.#show({ event: 'resumed', node, at: this.#cluster.now })
  }
}
