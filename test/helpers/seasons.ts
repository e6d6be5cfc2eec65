import { sweep } from '../../client/sim-pool.js'
import { latest, stages } from '../../stages/index.js'

/** What a long run must have tried at least once, or it proves little. Elections are there from stage 6 on. */
const rareEvents = ['power_loss', 'torn', 'truncated', 'lost', 'duplicated', 'cut', 'pause', 'node_failed', 'unknown']
const electionEvents = ['campaign', 'elected', 'deposed']

/** The stages that are safe, and so have something to lose. */
export const safeStages = stages.filter(({ keeps }) => keeps !== 'nothing').map(({ number }) => number)

export interface Seasons {
  readonly stage: number
  readonly seeds: number
  readonly virtualHours: number
  readonly operations: number
  /** Seeds that broke what the stage gives, with what was found first. */
  readonly broken: readonly { readonly seed: number; readonly guarantee: string; readonly what: string }[]
  readonly counters: Readonly<Record<string, number>>
  /** Rare events that never happened. */
  readonly unreached: readonly string[]
}

/** Plays seasons of a stage, from a seed on, on every core. */
export async function playSeasons(stage: number, firstSeed: number, seeds: number): Promise<Seasons> {
  const { gives } = stages[stage] ?? latest
  const counters: Record<string, number> = {}
  const broken: { seed: number; guarantee: string; what: string }[] = []
  let [virtualMs, operations] = [0, 0]
  await sweep({ stage, climate: 'season', firstSeed, seeds }, (result) => {
    virtualMs += result.virtualMs
    operations += result.operations
    for (const [name, count] of Object.entries(result.counters)) counters[name] = (counters[name] ?? 0) + count
    const found = result.findings.find(({ guarantee }) => gives.includes(guarantee))
    if (found) broken.push({ seed: result.seed, guarantee: found.guarantee, what: found.what })
  })
  const wanted = gives.includes('G10') ? [...rareEvents, ...electionEvents] : rareEvents
  const unreached = wanted.filter((name) => !counters[name])
  return { stage, seeds, virtualHours: virtualMs / 3_600_000, operations, broken, counters, unreached }
}

/** In a line: how much was tried. */
export function describeSeasons({ stage, seeds, virtualHours, operations, counters }: Seasons): string {
  const counts = Object.entries(counters).map(([name, count]) => `${name} ${count}`)
  const tried = `${virtualHours.toFixed(1)} simulated hours in ${seeds} seeds, ${operations} operations`
  return `stage ${stage}: ${tried} · ${counts.join(' · ')}`
}
