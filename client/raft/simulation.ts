/** The package's exports for the tests of a state machine: a cluster in one process, in virtual time, from a seed. */
import type { Application } from '../../src/application.js'
import { type Command, isObject } from '../../src/contracts.js'
import type { Climate, Plan } from '../../src/proof/simulation/plan.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { type Moment, simulate } from '../../src/proof/simulation/simulate.js'
import { planFor } from '../../src/proof/simulation/sweep.js'
import { stage } from '../../src/stage.js'
import membership from '../../stages/8-membership/stage.js'
import type { ProductionMessage } from '../../stages/10-production/messages.js'
import type { ProductionNode } from '../../stages/10-production/production-node.js'
import production from '../../stages/10-production/stage.js'
import { type Codec, jsonCodec, portable } from './codec.js'
import { applicationOf, type StateMachine } from './machine.js'
import { Observer } from './observer.js'
import { type Play, type SmallestRun, smallestRun } from './smallest.js'

export type { SmallestRun } from './smallest.js'

/** Chance from a seed. */
export interface Chance {
  /** Draws a number, at least 0 and below 1. */
  next(): number
  /** Draws a whole number, at least `from` and at most `to`. */
  between(from: number, to: number): number
  /** Draws true with this probability. */
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
}

export interface SimulationOptions<C, R, Q = never, A = never> {
  /**
   * Makes a state machine, one for each life of a node. It may use promises, and neither timers nor anything else of the
   * world.
   */
  readonly machine: () => StateMachine<C, R, Q, A>
  /** Draws a command that some client asks for. */
  readonly command: (random: Chance) => C
  /** Draws a query. Without it, clients ask none. */
  readonly query?: (random: Chance) => Q
  /** The form of commands in the log; plain JSON if it is left out. */
  readonly codec?: Codec<C>
  /** The seeds: so many from 1 on, or from another one on. 20 if it is left out. */
  readonly seeds?: number | { readonly from: number; readonly count: number }
  /** The treatment of the cluster. `storm` and `churn` if it is left out; a `season` is long. */
  readonly climates?: readonly Climate[]
  /** False if no smaller run is looked for when a fault was found; it is looked for if this is left out. */
  readonly shrink?: boolean
  /** Checks a replica behind each batch; it throws, or gives the reason, if something is wrong, and gives undefined otherwise. */
  readonly invariant?: (machine: StateMachine<C, R, Q, A>) => string | undefined
}

/** A fault that a seed has found. The same seed and climate find it again. */
export interface SimulationFinding {
  readonly seed: number
  readonly climate: Climate
  /** The fault in one sentence. */
  readonly what: string
  readonly detail: string
}

export interface SimulationReport {
  readonly findings: readonly SimulationFinding[]
  /** A smaller run that shows the first of the findings, in words; null if there are none, or none was looked for. */
  readonly smallest: SmallestRun | null
  readonly runs: number
  /** The clients' calls, by their outcomes. */
  readonly done: number
  readonly refused: number
  readonly unknown: number
  /** The snapshots from which a machine was restored. */
  readonly restored: number
  /** Virtual milliseconds of all runs together. */
  readonly virtualMs: number
}

const usualClimates: readonly Climate[] = ['storm', 'churn']
const usualSeeds = 20

/**
 * Runs clusters of a state machine through faults: messages that are lost and repeated, nodes that are killed, cut off
 * and paused, disks that lose what was not synced, members that change. Replicas must give equal results and equal
 * snapshots, a read must see every command that was done before it, and each command is performed once at most.
 */
export async function simulateMachine<C, R, Q = never, A = never>(
  options: SimulationOptions<C, R, Q, A>,
): Promise<SimulationReport> {
  const { seeds = usualSeeds, climates = usualClimates } = options
  const { from, count } = typeof seeds === 'number' ? { from: 1, count: seeds } : seeds
  const sums = { runs: 0, done: 0, refused: 0, unknown: 0, restored: 0, virtualMs: 0 }
  const findings: SimulationFinding[] = []
  for (const climate of climates)
    for (let seed = from; seed < from + count; seed++) {
      const run = await runOf(options, seed, climate)
      for (const name of ['done', 'refused', 'unknown', 'restored', 'virtualMs'] as const) sums[name] += run[name]
      sums.runs++
      findings.push(...run.findings.map((found) => ({ seed, climate, ...found })))
    }
  return { findings, smallest: await smallestOf(options, findings[0]), ...sums }
}

async function smallestOf<C, R, Q, A>(
  options: SimulationOptions<C, R, Q, A>,
  first: SimulationFinding | undefined,
): Promise<SmallestRun | null> {
  if (!first || options.shrink === false) return null
  const { seed, climate, what } = first
  const play: Play = async (plan, hear) => (await playOf(options, plan, hear)).findings.map((found) => found.what)
  return smallestRun(planOf(options, planFor(tableOf(options), seed, climate)), what, play)
}

function runOf<C, R, Q, A>(options: SimulationOptions<C, R, Q, A>, seed: number, climate: Climate) {
  return playOf(options, planOf(options, planFor(tableOf(options), seed, climate)))
}

/** The stage that is simulated. A client without sessions asks any node, which passes the command on. */
function tableOf<C, R, Q, A>(options: SimulationOptions<C, R, Q, A>, observer = new Observer<C, R, Q, A>(undefined)) {
  const { table } = production
  const { client } = membership.table
  return stage<ProductionNode, ProductionMessage>({ ...table, application: observed(options, observer), client })
}

async function playOf<C, R, Q, A>(options: SimulationOptions<C, R, Q, A>, plan: Plan, hear?: (moment: Moment) => void) {
  const observer = new Observer<C, R, Q, A>(options.invariant)
  const simulated = tableOf(options, observer)
  observer.planned = plan.calls.filter(({ command }) => command.command === 'propose').length
  const { findings, counters, virtualMs } = await simulate(simulated, plan, (moment) => {
    observer.hear(moment)
    hear?.(moment)
  })
  const own = findings.map(({ guarantee, what, detail }) => ({ what: `${guarantee}: ${what}`, detail }))
  const { done, refused, unknown } = counters
  const { restored } = observer
  return { findings: [...observer.findings, ...own], done, refused, unknown, restored, virtualMs }
}

function observed<C, R, Q, A>(
  { machine, codec = jsonCodec<C>() }: SimulationOptions<C, R, Q, A>,
  observer: Observer<C, R, Q, A>,
): Application {
  const base = applicationOf('a simulated program', codec, machine)
  return {
    ...base,
    machine(clock, random) {
      const replica = observer.watch(machine())
      const { machine: make } = applicationOf('a simulated program', codec, () => replica.machine)
      return { ...make(clock, random), contents: () => new Map([['state', replica.text]]) }
    },
  }
}

/** Puts the program's commands and queries in the place of the plan's; nodes, faults and changes stay as they are. */
function planOf<C, R, Q, A>(options: SimulationOptions<C, R, Q, A>, plan: Plan): Plan {
  const { command, query, codec = jsonCodec<C>() } = options
  const random = new SeededRandom(plan.seed ^ 0x51ed270b)
  const ids = Array.from({ length: plan.nodes }, (_, at) => `n${at + 1}`)
  const propose = (): Command => {
    const { value } = portable(codec.encode(command(random)), 'command', true)
    return { command: 'propose', value, forward: true, withIndex: true }
  }
  const ask = (): Command => ({ command: 'query', value: query!(random), withIndex: true })
  const calls = plan.calls.map((call) => {
    if (!isObject(call.command) || !('key' in call.command)) return call
    const isQuery = query !== undefined && call.command.command === 'get'
    return { ...call, command: isQuery ? ask() : propose(), at: random.chance(0.8) ? random.pick(ids) : null }
  })
  return { ...plan, calls, last: propose() }
}
