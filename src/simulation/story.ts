import { formatFault } from '../faults.js'
import type { Asked } from './client.js'
import type { Finding, Run } from './simulate.js'

/** Lines of a story at most, its headline and its moral included. */
const mostLines = 10

/**
 * A run as a story of few lines: what was done to the cluster, what its clients asked and were told, in order, and
 * what is wrong with that. Meant for runs that were shrunk; of a longer one, the end is told.
 */
export function tellStory(stage: number, run: Run, finding: Finding): string[] {
  const faults = run.plan.faults.map(({ at, fault }) => ({ at, text: formatFault(fault) }))
  const told = finding.guarantee === 'G10' ? run.operations : run.operations.filter(({ client }) => client !== 'last')
  const calls = told.map((operation) => ({ at: operation.call, text: describe(operation) }))
  const happened = [...faults, ...calls].filter(({ at }) => at <= finding.at).sort((a, b) => a.at - b.at)
  const detail = finding.guarantee === 'G6' ? finding.detail.split('\n').filter(differs) : []
  const room = mostLines - 2 - detail.length
  const lines = happened.slice(-room).map(({ at, text }) => `${at.toFixed(0).padStart(6)} ms  ${text}`)
  return [`stage ${stage}, seed ${run.plan.seed}`, ...lines, `✘ ${finding.guarantee} ${finding.what}`, ...detail]
}

/** Of the replicas that disagree, one of each kind is enough. */
function differs(line: string, at: number, lines: readonly string[]): boolean {
  const contents = (text: string) => text.slice(text.indexOf(' '))
  return lines.findIndex((other) => contents(other) === contents(line)) === at
}

function describe({ client, command, at, outcome, answer, return: returned }: Asked): string {
  const { command: name, ...fields } = command
  const asked = [name, ...Object.values(fields).map(String), ...(at === null ? [] : [`@${at}`])].join(' ')
  const told = name === 'get' && outcome === 'done' ? JSON.stringify(answer?.value) : outcome
  const when = returned === null ? '' : ` at ${returned.toFixed(0)} ms`
  return `${client.padEnd(4)} ${asked.padEnd(24)} ${told}${when}`
}
