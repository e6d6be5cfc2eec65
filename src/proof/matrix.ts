import type { GuaranteeId } from '../contracts.js'
import type { Stage } from '../stage.js'
import { type Cell, type ColumnName, cellOf, cellOfOther, type Evidence } from './cell.js'
import { declared, guaranteeIds } from './declared.js'
import { identityOf, type OnRecord } from './scenario/on-record.js'
import type { Played, Scenario } from './scenario/scenario.js'
import { invariants } from './simulation/invariants.js'
import type { Climate } from './simulation/plan.js'
import { runSeed, type SweepResult, smallestDisaster } from './simulation/sweep.js'

/** The matrix of stages × guarantees, as a run of the suite found it. Plain data, fit for JSON. */
export interface Matrix {
  /** The columns: the stages, and behind them another engine if one was run, with its version and the day. */
  readonly stages: readonly { readonly number: ColumnName; readonly title: string }[]
  readonly cells: readonly Cell[]
  /** Scenarios that were not played, because they need real processes. */
  readonly notPlayed: readonly string[]
  /** The plays on hosts, which are on record: nothing of them is run with the matrix. */
  readonly onHosts: {
    /** The days of those that count, from the first. */
    readonly days: readonly string[]
    /** Plays that no longer count, because their script or their stage has changed since. */
    readonly stale: readonly string[]
  }
}

export type Play = (scenario: Scenario, stage: Stage) => Promise<Played>
type Sweep = (stage: Stage, climate: Climate, seeds: number, onResult: (result: SweepResult) => void) => Promise<void>

export interface MatrixOptions {
  readonly stages: readonly Stage[]
  readonly scenarios: readonly Scenario[]
  /** Seeds in each climate. */
  readonly seeds: number
  readonly players: { readonly virtual: Play; readonly real?: Play }
  /** Runs the seeds from 1; if it is left out, they run one after another in this thread. */
  readonly sweep?: Sweep
  /**
   * True if the whole suite is run. In a run of a part, a guarantee without a trial is no problem of the stage, and
   * neither is a declared violation that the part did not find.
   */
  readonly complete: boolean
  /** Plays on hosts that are on record; none unless given. */
  readonly onHosts?: readonly OnRecord[]
  readonly onProgress?: (done: number, total: number, what: string) => void
}

/** The guarantees that a climate tests in every run. A guarantee that a finding names was tested, too. */
const tests: Readonly<Record<'calm' | 'storm', readonly GuaranteeId[]>> = {
  calm: ['G3', 'G4'],
  storm: ['G4', 'G6', 'G12'],
}

export async function computeMatrix(options: MatrixOptions): Promise<Matrix> {
  const jobs = options.stages.flatMap((stage) => [...scenarioJobs(stage, options), ...seedJobs(stage, options)])
  const total = jobs.reduce((sum, { steps }) => sum + steps, 0)
  const evidence: Evidence[] = []
  const record: Noted = { days: new Set(), stale: [] }
  let done = 0
  for (const { what, run } of jobs) {
    const step = () => options.onProgress?.(++done, total, what)
    options.onProgress?.(done, total, what)
    evidence.push(...(await run(step, record)))
  }
  const cells: Cell[] = []
  for (const stage of options.stages) {
    for (const id of guaranteeIds) {
      options.onProgress?.(total, total, `stage ${stage.number}, ${id}: the witness`)
      const found = evidence.filter(({ stage: number, guarantee }) => number === stage.number && guarantee === id)
      cells.push(await cellOf(stage, id, found, options.complete))
    }
  }
  const onHosts = { days: [...record.days].sort(), stale: record.stale }
  const notPlayed = options.scenarios.filter((scenario) => !playerOf(scenario, options)).map(({ id }) => id)
  return { stages: options.stages.map(({ number, title }) => ({ number, title })), cells, notPlayed, onHosts }
}

/**
 * Adds the column of another engine, from scenarios that were played on it.
 *
 * @param title its version and the day of the run
 */
export async function withColumn(matrix: Matrix, title: string, played: readonly Played[]): Promise<Matrix> {
  const evidence = played.map((one): Evidence => {
    const replay = `npx raft-roadmap scenario ${one.scenario.id} --engine etcd --real`
    return { ...trialOf(one), stage: 'etcd', witness: async () => ({ lines: one.witness, replay }) }
  })
  const cells = guaranteeIds.map((id) => {
    const found = evidence.filter(({ guarantee }) => guarantee === id)
    return cellOfOther('etcd', id, found)
  })
  const stages = [...matrix.stages, { number: 'etcd' as const, title }]
  return { ...matrix, stages, cells: [...matrix.cells, ...(await Promise.all(cells))] }
}

interface Noted {
  readonly days: Set<string>
  readonly stale: string[]
}

interface Job {
  readonly what: string
  readonly steps: number
  /** @param record notes which plays on record count */
  run(step: () => void, record: Noted): Promise<Evidence[]>
}

function playerOf({ drivers }: Scenario, { players }: MatrixOptions): Play | undefined {
  return drivers.includes('virtual') ? players.virtual : players.real
}

function scenarioJobs(stage: Stage, options: MatrixOptions): Job[] {
  return options.scenarios.flatMap((scenario): Job[] => {
    const play = playerOf(scenario, options)
    const isSaid = declared(stage, scenario.guarantee) !== 'not applicable'
    if (!play || !isSaid || stage.number < scenario.fromStage) return []
    const run = async (step: () => void, record: Noted) => {
      const played = await play(scenario, stage)
      step()
      const known = options.onHosts?.find((one) => one.scenario === scenario.id && one.stage === stage.number)
      const here = evidenceOfScenario(played, stage)
      if (!known) return [here]
      if (known.play !== identityOf(played)) {
        record.stale.push(`${scenario.id} at stage ${stage.number}`)
        return [here]
      }
      record.days.add(known.on)
      return [here, evidenceOfRecord(known, scenario)]
    }
    return [{ what: `stage ${stage.number}, scenario ${scenario.id}`, steps: 1, run }]
  })
}

function evidenceOfScenario(played: Played, { number }: Stage): Evidence {
  const { scenario, witness, driver } = played
  const replay = `npx raft-roadmap scenario ${scenario.id} --stage ${number}${driver === 'real' ? ' --real' : ''}`
  return { ...trialOf(played), stage: number, witness: async () => ({ lines: witness, replay }) }
}

function evidenceOfRecord({ stage, verdict, on }: OnRecord, { id, title, guarantee }: Scenario): Evidence {
  const replay = `npx raft-roadmap scenario ${id} --stage ${stage} --real --hosts netns`
  const lines = [`${id} ${title} · stage ${stage}, hosts, on ${on}`]
  const told = { trial: id, verdict, note: `${title}, on ${on}`, driver: 'hosts' } as const
  return { ...told, stage, guarantee, witness: async () => ({ lines, replay }) }
}

const trialOf = ({ scenario, verdict, driver }: Played) => ({
  guarantee: scenario.guarantee,
  trial: scenario.id,
  verdict,
  note: scenario.title,
  driver,
})

function seedJobs(stage: Stage, { seeds, sweep = sweepHere }: MatrixOptions): Job[] {
  if (seeds === 0) return []
  const climates = ['calm', 'storm'] as const
  const watched = stage.invariants.map((name) => invariants[name].guarantee)
  return climates.flatMap((climate): Job[] => {
    const tested = [...new Set<GuaranteeId>([...tests[climate], ...watched])]
    const said = tested.filter((id) => declared(stage, id) !== 'not applicable')
    if (said.length === 0) return []
    const run = async (step: () => void) => {
      const results: SweepResult[] = []
      await sweep(stage, climate, seeds, (result) => {
        results.push(result)
        step()
      })
      return evidenceOfSeeds(
        stage,
        climate,
        results.sort((a, b) => a.seed - b.seed),
        said,
      )
    }
    return [{ what: `stage ${stage.number}, ${climate} seeds`, steps: seeds, run }]
  })
}

async function sweepHere(...[stage, climate, seeds, onResult]: Parameters<Sweep>): Promise<void> {
  for (let seed = 1; seed <= seeds; seed++) onResult(await runSeed(stage, seed, climate))
}

function evidenceOfSeeds(
  stage: Stage,
  climate: Climate,
  results: readonly SweepResult[],
  tested: readonly GuaranteeId[],
): Evidence[] {
  const named = results.flatMap(({ findings }) => findings.map(({ guarantee }) => guarantee))
  return [...new Set([...tested, ...named])].map((guarantee) => {
    const breaking = results.filter(({ findings }) => findings.some((finding) => finding.guarantee === guarantee))
    const seed = breaking[0]?.seed
    return {
      stage: stage.number,
      guarantee,
      trial: `${climate} seeds`,
      verdict: seed === undefined ? 'holds' : 'violated',
      note: `${breaking.length} of ${results.length} break it`,
      driver: 'virtual',
      witness: async () => ({
        lines: atMostTen(await smallestDisaster(stage, seed!, climate, guarantee)),
        replay: `npx raft-roadmap sim ${stage.number} --climate ${climate} --seed ${seed}`,
      }),
    }
  })
}

/** Cuts a story to its headline and its end, which makes the point. */
function atMostTen(story: readonly string[]): string[] {
  return story.length <= 10 ? [...story] : [story[0]!, ...story.slice(-9)]
}
