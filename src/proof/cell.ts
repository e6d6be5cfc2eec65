import type { GuaranteeId } from '../contracts.js'
import type { Stage } from '../stage.js'
import { type Declared, declared as declaredBy, shownBy } from './declared.js'
import type { DriverName, Verdict } from './scenario/scenario.js'

/**
 * The verdict on a guarantee. *Untested*: the stage's table declares something about it, and no trial was run to check.
 */
export type Mark = Verdict | 'not applicable' | 'untested'

export const marks: Readonly<Record<Mark, { readonly sign: string; readonly means: string }>> = {
  holds: { sign: '✔', means: 'holds' },
  violated: { sign: '✘', means: 'violated' },
  unavailable: { sign: '◌', means: 'safe but unavailable' },
  'not applicable': { sign: '–', means: 'not applicable' },
  untested: { sign: '?', means: 'not tested here' },
}

/** A trial that was run, with its verdict on one guarantee. */
interface Trial {
  /** The trial's name: `N3`, or `storm seeds`. */
  readonly trial: string
  readonly verdict: Verdict
  readonly note: string
  /** The ground that the trial stood on. */
  readonly driver: Ground
}

/** Grounds that a verdict may rest on: virtual time, processes of one machine, or hosts between which packets are lost. */
type Ground = DriverName | 'hosts'

/** Names of the grounds in a sentence. */
export const driverNames: Readonly<Record<Ground, string>> = {
  virtual: 'virtual time',
  real: 'processes',
  hosts: 'hosts',
}
/** The grounds, in the order in which they are told. */
export const grounds = Object.keys(driverNames) as Ground[]

/** Tells on which drivers the verdict of a cell rests, as in `virtual time and hosts`; nothing if no trial was run. */
export function restsOn({ trials }: Pick<Cell, 'trials'>): string {
  const drivers = grounds.filter((name) => trials.some(({ driver }) => driver === name))
  return drivers.map((name) => driverNames[name]).join(' and ')
}

/** The story that shows a violation or a standstill, in ten lines at most. */
interface Witness {
  /** The lines of the story; the first line says where it was seen. */
  readonly lines: readonly string[]
  /** The command that plays the trial again. */
  readonly replay: string
}

/** The number of a stage, or the name of another engine that stands beside the stages. */
export type ColumnName = number | 'etcd'

/** The name of a column in a sentence. */
export const columnName = (name: ColumnName) => (typeof name === 'number' ? `stage ${name}` : name)

export interface Evidence extends Trial {
  readonly stage: ColumnName
  readonly guarantee: GuaranteeId
  /**
   * Makes the witness when it is asked for, because shrinking a seed's run takes seconds. There is none for a guarantee
   * that holds.
   */
  witness(): Promise<Witness>
}

/** One field of the matrix. */
export interface Cell {
  readonly stage: ColumnName
  readonly guarantee: GuaranteeId
  /** The verdict that the stage's table declares; null for another engine, which declares nothing here. */
  readonly declared: Declared | null
  readonly verdict: Mark
  readonly trials: readonly Trial[]
  readonly witness: Witness | null
  /** The sentence that tells how the verdict differs from the stage's table; null if the two agree. */
  readonly problem: string | null
}

/** Draws the verdict from the evidence: one violation outweighs everything, and one standstill all that held. */
export async function cellOf(
  stage: Stage,
  guarantee: GuaranteeId,
  evidence: readonly Evidence[],
  complete: boolean,
): Promise<Cell> {
  const declared = declaredBy(stage, guarantee)
  const named = shownBy(stage, guarantee)
  const found = await judged(stage.number, guarantee, evidence, declared === 'not applicable', named)
  return { ...found, declared, problem: problemOf({ ...found, stage: stage.number, declared }, named, complete) }
}

/** Draws the verdict on another engine, which declares nothing: what no trial tests is untested. */
export async function cellOfOther(
  engine: 'etcd',
  guarantee: GuaranteeId,
  evidence: readonly Evidence[],
): Promise<Cell> {
  return { ...(await judged(engine, guarantee, evidence, false)), declared: null, problem: null }
}

async function judged(
  stage: ColumnName,
  guarantee: GuaranteeId,
  evidence: readonly Evidence[],
  isOut: boolean,
  named?: string,
): Promise<Omit<Cell, 'declared' | 'problem'>> {
  const verdict = isOut ? 'not applicable' : worstOf(evidence)
  const against = verdict === 'holds' ? [] : evidence.filter((one) => one.verdict === verdict)
  const shown = against.find(({ trial }) => trial === named) ?? against[0]
  const trials = evidence.map(({ trial, verdict, note, driver }) => ({ trial, verdict, note, driver }))
  return { stage, guarantee, verdict, trials, witness: shown ? await shown.witness() : null }
}

function worstOf(trials: readonly Trial[]): Mark {
  const worst = (['violated', 'unavailable', 'holds'] as const).find((verdict) =>
    trials.some((trial) => trial.verdict === verdict),
  )
  return worst ?? 'untested'
}

const claims = { holds: 'gives', unavailable: 'keeps, by standing still,', violated: 'breaks' } as const

function problemOf(
  {
    stage,
    guarantee,
    declared,
    verdict,
    trials,
  }: Pick<Cell, 'guarantee' | 'verdict' | 'trials'> & {
    stage: number
    declared: Declared
  },
  named: string | undefined,
  complete: boolean,
): string | null {
  if (declared === 'not applicable') return null
  const says = `stage ${stage} says that it ${claims[declared]} ${guarantee}`
  const by = trials.filter((trial) => trial.verdict === verdict).map(({ trial }) => trial)
  const wrong = `${says}, but the verdict is "${marks[verdict].means}" (${by.join(', ')})`
  if (declared !== 'violated' && verdict === 'violated') return wrong
  if (declared === 'holds' && verdict === 'unavailable') return wrong
  if (!complete) return null
  if (verdict === 'untested') return `${says}, and nothing tests it`
  if (verdict !== declared) return wrong
  const example = trials.find(({ trial }) => trial === named)
  if (!example || example.verdict === declared) return null
  return `${says} and names ${named} to show it, where the verdict is "${marks[example.verdict].means}"`
}
