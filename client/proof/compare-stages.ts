import { type Mark, marks } from '../../src/proof/cell.js'
import { declared } from '../../src/proof/declared.js'
import { byGroup, type Difference, difference, type Rule } from '../../src/proof/difference.js'
import { guarantees } from '../../src/proof/guarantees.js'
import type { Play } from '../../src/proof/matrix.js'
import type { Played, Scenario } from '../../src/proof/scenario/scenario.js'
import type { Stage } from '../../src/stage.js'
import { colour } from '../text/colour.js'
import { sideBySide } from '../text/side-by-side.js'
import { homes } from '../text/stage-files.js'
import { table } from '../text/table.js'
import { sign } from './compare-text.js'

/** One scenario, played at two stages. */
export type Twice = readonly [Played, Played]

/**
 * Finds a scenario that shows what changed: one of a guarantee that the two stages differ about and whose verdicts
 * differ, or else the one that comes nearest.
 */
export async function tellingScenario(
  [earlier, later]: readonly [Stage, Stage],
  scenarios: readonly Scenario[],
  play: Play,
): Promise<Twice | null> {
  let best: { rank: number; twice: Twice } | null = null
  for (const scenario of scenarios) {
    const { guarantee } = scenario
    const twice = await playTwice([earlier, later], scenario, play)
    const saysOther = declared(earlier, guarantee) !== declared(later, guarantee)
    const rank = (twice[0].verdict !== twice[1].verdict ? 2 : 0) + (saysOther ? 1 : 0)
    if (rank > (best?.rank ?? -1)) best = { rank, twice }
    if (rank === 3) break
  }
  return best?.twice ?? null
}

export async function playTwice([earlier, later]: readonly [Stage, Stage], scenario: Scenario, play: Play) {
  return [await play(scenario, earlier), await play(scenario, later)] as const satisfies Twice
}

/** Gives the difference of two stages as JSON for a program, with names for functions. */
export function differenceAsJson(earlier: Stage, later: Stage, twice: Twice | null): object {
  const { added, replaced, removed, kept, ...facts } = difference(earlier, later)
  const plain = ({ slot, name }: Rule) => ({ slot, rule: name })
  return {
    from: earlier.number,
    to: later.number,
    added: added.map(plain),
    replaced: replaced.map(({ slot, before, after }) => ({ slot, before: before.name, after: after.name })),
    removed: removed.map(plain),
    kept: kept.map(plain),
    ...facts,
    scenario: twice && {
      id: twice[0].scenario.id,
      title: twice[0].scenario.title,
      played: twice.map(({ stage, verdict, transcript }) => ({ stage, verdict, transcript })),
    },
  }
}

/** Prints two stages beside each other, for a terminal of `columns` columns. */
export async function differenceAsText(
  earlier: Stage,
  later: Stage,
  twice: Twice | null,
  columns: number,
): Promise<string> {
  const found = difference(earlier, later)
  const title = ({ number, title }: Stage) => `${number} ${title}`
  const parts = [
    colour.bold(`${title(earlier)} → ${title(later)}`),
    await rules(earlier, later, found),
    `messages  ${found.messages.length > 0 ? found.messages.map((type) => colour.green(`+ ${type}`)).join(', ') : 'none are new'}`,
    promises(earlier, later, found),
    ...(twice ? [transcripts(twice, columns)] : []),
  ]
  return parts.join('\n\n')
}

async function rules(earlier: Stage, later: Stage, { added, replaced, removed, kept }: Difference): Promise<string> {
  const home = await homes()
  const file = ({ value }: Rule) => colour.dim(home.get(value) ?? '')
  const rows = [
    ...added.map((rule) => [colour.green('+'), rule.slot, rule.name, file(rule)]),
    ...replaced.map(({ slot, before, after }) => [colour.yellow('~'), slot, change(before, after), file(after)]),
    ...removed.map((rule) => [colour.red('-'), rule.slot, rule.name, file(rule)]),
  ]
  const same = byGroup(kept).map(([group, members]) => `${group} ${members.map(({ key }) => key).join(' ')}`)
  const changed =
    rows.length > 0 ? table([['', 'rule', '', ''], ...rows]) : `rules: none changed; ${wire(earlier, later)}`
  return `${changed}\n${colour.dim(`= kept: ${same.join(' · ')}`)}`
}

/** Describes the change of the network between two stages. */
function wire({ network: before }: Stage, { network: after }: Stage): string {
  return before === after ? 'wire: the same' : `wire: changed (${before} → ${after})`
}

function change(before: Rule, after: Rule): string {
  return before.name === after.name ? `another ${after.name}` : `${before.name} → ${after.name}`
}

function promises(earlier: Stage, later: Stage, { gained, stalled, lost, newlyBroken }: Difference): string {
  const kinds = { gained, stalled, lost, broken: newlyBroken }
  const told = Object.entries(kinds).flatMap(([kind, ids]) => ids.map((id) => ({ kind, id })))
  if (told.length === 0) return 'guarantees  the same'
  const rows = told.map(({ kind, id }) => [
    kind,
    colour.bold(id),
    `${sign(declared(earlier, id))} → ${sign(declared(later, id))}`,
    guarantees[id],
  ])
  return table([['guarantees', '', '', ''], ...rows])
}

function transcripts([left, right]: Twice, columns: number): string {
  const { id, title, guarantee } = left.scenario
  const head = (played: Played) => `stage ${played.stage}: ${says(played.verdict)}`
  const verdicts = [`${head(left)}, ${head(right)}`]
  return [
    `${colour.bold(`scenario ${id}`)}, ${title} (${guarantee})`,
    ...verdicts,
    sideBySide(left.transcript, right.transcript, columns),
  ].join('\n')
}

function says(mark: Mark): string {
  return `${sign(mark)} ${marks[mark].means}`
}
