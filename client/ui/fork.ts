import type { Outcome, Traced } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { SimulatedClient } from '../../src/proof/simulation/client.js'
import type { SimulatedCluster } from '../../src/proof/simulation/cluster.js'
import { healthyDisk } from '../../src/proof/simulation/disk.js'
import { calm } from '../../src/proof/simulation/network.js'
import type { Plan } from '../../src/proof/simulation/plan.js'
import { upTo } from '../../src/proof/simulation/shrink.js'
import { type Run, simulate } from '../../src/proof/simulation/simulate.js'
import { actsOf, faultWords, isFaultWord, parseFault } from '../../src/server/faults.js'
import type { Stage } from '../../src/stage.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { describeOutcome } from '../text/answers.js'
import { parseLine, UsageError } from '../text/words.js'
import { Feed } from './feed.js'
import { plainAnswer } from './plain.js'
import type { Performed } from './protocol.js'
import type { Shown } from './server.js'
import { aboutStage } from './shown.js'
import { RunningVerdict } from './verdict.js'

/** Virtual milliseconds for which a run that was handed over can go on. */
const handedOverMs = 3_600_000
/** Times that time passes slower than the machine's, when a run is handed over. */
const usualSlowness = 10
/** Milliseconds between two looks at how far virtual time may go. */
const stepMs = 20
const words = ['slow', 'freeze', 'thaw'] as const

/** A seed that was replayed to a moment, and goes on from there in the hands of a person. */
class Fork {
  readonly feed = new Feed(true, false)
  readonly #stage: Stage
  readonly #at: number
  readonly #verdict = new RunningVerdict('absent')
  #cluster: SimulatedCluster | null = null
  /** Virtual time up to which the run may go. */
  #allowed = 0
  #lastStep = 0
  #slowness = usualSlowness
  #isFrozen = false
  #calls = 0

  constructor(stage: Stage, at: number) {
    this.#stage = stage
    this.#at = at
  }

  /** Replays the run to its moment, and resolves when it is there. It goes on by itself. */
  async begin(plan: Plan): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const room = (cluster: SimulatedCluster) => {
        if (cluster.now < this.#at) return undefined
        if (this.#cluster === null) {
          this.#takeOver(cluster)
          resolve()
        }
        return this.#untilAllowed(cluster)
      }
      simulate(this.#stage, plan, (event) => this.#hear(event as TraceLine), room).catch(reject)
    })
  }

  #hear(line: TraceLine): void {
    this.feed.add(line)
    const verdict = this.#verdict.take(line)
    if (verdict) this.feed.add(verdict)
  }

  /** From here on nothing happens by chance: what is broken stays so, until somebody mends it. */
  #takeOver(cluster: SimulatedCluster): void {
    this.#cluster = cluster
    cluster.network.weather = calm
    for (const disk of cluster.disks) disk.health = healthyDisk
    this.#allowed = cluster.now
    this.#lastStep = performance.now()
    cluster.trace({ event: 'slowed', factor: this.#slowness } as Traced)
  }

  /** Waits until virtual time may go on to the next thing that happens. */
  #untilAllowed(cluster: SimulatedCluster): Promise<void> | undefined {
    if (cluster.timeline.next <= this.#allowed) return undefined
    return new Promise((resolve) => {
      const look = () => {
        const now = performance.now()
        if (!this.#isFrozen) this.#allowed += (now - this.#lastStep) / this.#slowness
        this.#lastStep = now
        if (cluster.timeline.next <= this.#allowed) resolve()
        else setTimeout(look, stepMs).unref()
      }
      look()
    })
  }

  /** Performs one line: a fault word, a command, or a word about time. */
  async perform(line: string): Promise<Performed> {
    const cluster = this.#cluster!
    const leader = cluster.leader()?.id
    const named = line.replaceAll(/\bleader\b/g, (word) => leader ?? word)
    const word = named.split(/\s+/)[0]!
    if (this.#setPace(named)) return { ok: true, text: 'ok' }
    if (!isFaultWord(word)) return this.#call(named)
    const fault = parseFault(named)
    if ('problem' in fault) throw new UsageError(fault.problem)
    try {
      for (const { perform } of actsOf(cluster, fault)) perform()
    } catch (error) {
      throw new ConfigError((error as Error).message)
    }
    return { ok: true, text: 'done' }
  }

  #setPace(line: string): boolean {
    const [word, factor] = line.split(/\s+/)
    if (word !== 'slow' && word !== 'freeze' && word !== 'thaw') return false
    if (word !== 'slow') this.#isFrozen = word === 'freeze'
    else if (Number(factor) >= 1 && Number(factor) <= 1_000) this.#slowness = Number(factor)
    else throw new UsageError('usage: slow 10, from 1 to 1000')
    this.#cluster!.trace({ event: 'slowed', factor: this.#slowness } as Traced)
    return true
  }

  async #call(line: string): Promise<Performed> {
    const cluster = this.#cluster!
    const { command, at } = parseLine(line, this.#stage.commands)
    if (at !== null) cluster.host(at)
    const name = `you ${++this.#calls}`
    const client = new SimulatedClient(cluster, name)
    cluster.trace({ event: 'asked', client: name, command, to: at })
    const outcome = await new Promise<Outcome>((resolve) => client.call(command, at, resolve))
    cluster.trace({ event: 'outcome', client: name, ...outcome })
    client.hangUp()
    return { ok: outcome.outcome === 'done', text: plainAnswer(describeOutcome(command, outcome)) }
  }
}

/**
 * Replays a seed to a moment, exactly as it was, and hands it over: a page of a cluster in virtual time that can be
 * broken by hand.
 */
export async function forkShown(stage: Stage, plan: Plan, run: Run, at: number): Promise<Shown> {
  const moment = Math.min(at, plan.fireMs)
  const fork = new Fork(stage, moment)
  await fork.begin({ ...upTo(plan, run.operations, moment), fireMs: moment + handedOverMs })
  return {
    feed: fork.feed,
    hello: {
      kind: 'live',
      clock: 'virtual',
      title: `stage ${stage.number}, seed ${plan.seed}, in your hands`,
      about: `as it was up to ${Math.round(moment)} ms; from there on, what you do`,
      ...aboutStage(stage),
      words: [...Object.keys(stage.commands), ...Object.keys(faultWords), ...words],
      can: { act: true, members: false, fork: false },
      judges: 'the calls of the seed, and yours',
      question: null,
    },
    perform: (line) => fork.perform(line),
  }
}
