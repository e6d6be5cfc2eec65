import type { Command } from '../../src/contracts.js'
import type { Plan } from '../../src/proof/simulation/plan.js'
import { shrink } from '../../src/proof/simulation/shrink.js'
import type { Moment } from '../../src/proof/simulation/simulate.js'
import { nodesOf } from '../../src/proof/simulation/story.js'
import { type Fault, formatFault } from '../../src/server/faults.js'

/** A run that shows a fault, and needs little for it. */
export interface SmallestRun {
  readonly nodes: number
  readonly commands: number
  readonly faults: number
  /** The run in words, a line for each thing that happens, with its virtual milliseconds; the fault is last. */
  readonly story: readonly string[]
}

/** Plays a plan. @returns the faults that it finds, each in one sentence */
export type Play = (plan: Plan, hear?: (moment: Moment) => void) => Promise<readonly string[]>

/** Runs in a row that do not show the fault, after which the smallest run so far is small enough. */
const triesInVain = 200
/** Lines of a story at most; earlier ones are left out. */
const mostLines = 40

/** Leaves out nodes, calls and faults of a plan for as long as it shows the same fault, and tells what is left. */
export async function smallestRun(plan: Plan, what: string, play: Play): Promise<SmallestRun> {
  const isSame = (other: string) => kindOf(other) === kindOf(what)
  const fails = async (smaller: Plan) => (await play(smaller)).some(isSame)
  const fewer = await withFewerNodes(plan, fails)
  const smallest = await shrink(fewer, fails, triesInVain)
  const moments: Moment[] = []
  const found = (await play(smallest, (moment) => void moments.push(moment))).find(isSame) ?? what
  const { nodes, calls, faults } = smallest
  return { nodes, commands: calls.length, faults: faults.length, story: [...tell(smallest, moments), `✘ ${found}`] }
}

/** A fault without its numbers: a smaller run has others. */
const kindOf = (what: string) => what.replaceAll(/\d+/g, 'N')

async function withFewerNodes(plan: Plan, fails: (plan: Plan) => Promise<boolean>): Promise<Plan> {
  for (let nodes = 1; nodes < plan.nodes; nodes += 2) {
    const smaller = only(plan, nodes)
    if (await fails(smaller)) return smaller
  }
  return plan
}

/** The plan for the first nodes alone. */
function only(plan: Plan, nodes: number): Plan {
  const ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}`)
  const isLeft = (id: string | null) => id === null || ids.includes(id)
  return {
    ...plan,
    nodes,
    calls: plan.calls.map((call) => ({ ...call, at: isLeft(call.at) ? call.at : null })),
    faults: plan.faults.flatMap(({ at, fault }) => {
      const left = within(fault, ids)
      return left ? [{ at, fault: left }] : []
    }),
  }
}

/** The part of a fault that concerns these nodes; null if none does. */
function within(fault: Fault, ids: readonly string[]): Fault | null {
  if (fault.word === 'heal') return fault
  if (fault.word === 'cut') return ids.includes(fault.from) && ids.includes(fault.to) ? fault : null
  const nodes = fault.nodes.filter((id) => ids.includes(id))
  return nodes.length > 0 ? { ...fault, nodes } : null
}

function tell({ seed, climate, nodes, calls, faults }: Plan, moments: readonly Moment[]): string[] {
  const happened = [
    ...faults.map(({ at, fault }) => ({ at, text: formatFault(fault) })),
    ...nodesOf(moments),
    ...moments.flatMap((moment) => {
      const text = wordsOf(moment)
      return text === null ? [] : [{ at: moment.at, text }]
    }),
  ].sort((one, other) => one.at - other.at)
  const lines = happened.map(({ at, text }) => `${at.toFixed(0).padStart(6)} ms  ${text}`)
  const left = lines.length - mostLines
  const sizes = [counted(nodes, 'node'), counted(calls.length, 'command'), counted(faults.length, 'fault')]
  const head = `seed ${seed}, ${climate}: ${sizes.join(', ')}`
  return [head, ...(left > 0 ? [`${' '.repeat(11)}(${left} lines before)`] : []), ...lines.slice(-mostLines)]
}

const counted = (count: number, name: string) => `${count} ${name}${count === 1 ? '' : 's'}`

/** Characters of a command in a story at most. */
const commandCharacters = 60

function wordsOf(moment: Moment): string | null {
  if (moment.event === 'asked') return `${moment.client} asks ${moment.to ?? 'the leader'}: ${inShort(moment.command)}`
  if (moment.event === 'outcome') return `${moment.client} hears: ${moment.outcome}`
  return null
}

function inShort({ command, value }: Command): string {
  const text = JSON.stringify(value instanceof Uint8Array ? [...value] : value) ?? command
  return text.length > commandCharacters ? `${text.slice(0, commandCharacters)}…` : text
}
