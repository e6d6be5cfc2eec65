import { sweep } from '../../client/proof/sim-pool.js'
import type { GuaranteeId } from '../../src/contracts.js'
import { type CounterName, type Counters, describeCounters, sumCounters } from '../../src/proof/simulation/counters.js'
import { latest, stages } from '../../stages/index.js'

/** What a long run must have tried at least once, or it proves little; the rest where the stage gives what it is for. */
const rareEvents: readonly CounterName[] = [
  'power_loss',
  'torn',
  'truncated',
  'lost',
  'duplicated',
  'cut',
  'cut_off',
  'pause',
  'node_failed',
  'unknown',
]
const special: readonly (readonly [GuaranteeId, readonly CounterName[]])[] = [
  ['G10', ['campaign', 'elected', 'deposed']],
  ['G14', ['snapshot', 'snapshot_sent', 'installed']],
  ['G15', ['members', 'removed', 'retired']],
]

/** The stages that are safe, and so have something to lose. */
export const safeStages = stages.filter(({ keeps }) => keeps !== 'nothing').map(({ number }) => number)

export interface Seasons {
  readonly stage: number
  readonly seeds: number
  readonly virtualHours: number
  readonly operations: number
  /** Seeds that broke what the stage gives, with what was found first. */
  readonly broken: readonly { readonly seed: number; readonly guarantee: string; readonly what: string }[]
  readonly counters: Counters
  /** Rare events that never happened. */
  readonly unreached: readonly CounterName[]
}

/** Plays seasons of a stage, from a seed on, on every core. */
export async function playSeasons(stage: number, firstSeed: number, seeds: number): Promise<Seasons> {
  const { gives } = stages[stage] ?? latest
  let counters: Counters = sumCounters([])
  const broken: { seed: number; guarantee: string; what: string }[] = []
  let [virtualMs, operations] = [0, 0]
  await sweep({ stage, climate: 'season', firstSeed, seeds }, (result) => {
    virtualMs += result.virtualMs
    operations += result.operations
    counters = sumCounters([counters, result.counters])
    const found = result.findings.find(({ guarantee }) => gives.includes(guarantee))
    if (found) broken.push({ seed: result.seed, guarantee: found.guarantee, what: found.what })
  })
  const wanted = [...rareEvents, ...special.flatMap(([guarantee, names]) => (gives.includes(guarantee) ? names : []))]
  const unreached = wanted.filter((name) => counters[name] === 0)
  return { stage, seeds, virtualHours: virtualMs / 3_600_000, operations, broken, counters, unreached }
}

/** In a line: how much was tried. */
export function describeSeasons({ stage, seeds, virtualHours, operations, counters }: Seasons): string {
  const tried = `${virtualHours.toFixed(1)} simulated hours in ${seeds} seeds, ${operations} operations`
  return `stage ${stage}: ${tried} · ${describeCounters(counters)}`
}
