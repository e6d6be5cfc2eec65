import type { Message } from '../../contracts.js'
import { formatFault } from '../../server/faults.js'
import type { Asked } from './client.js'
import type { Finding } from './judge.js'
import type { Moment, Run } from './simulate.js'

/** Lines of events in a story at most; earlier ones are left out, and counted. */
const mostLines = 16

/** An event of a story, with its moment in virtual milliseconds. */
interface Happened {
  readonly at: number
  readonly text: string
}

/**
 * Tells a run as a story of few lines: faults, candidates, votes and leaders, calls and outcomes; then the finding. It
 * is meant for runs that were shrunk; of a longer run, only the end is told.
 */
export function tellStory(stage: number, run: Run, finding: Finding, events: readonly Moment[]): string[] {
  const happened = [...faultsOf(run), ...nodesOf(events), ...callsOf(run, finding)]
    .filter(({ at }) => at <= finding.at)
    .sort((one, other) => one.at - other.at)
  const left = happened.length - mostLines
  const before = left > 0 ? [`${' '.repeat(11)}(${left} lines before)`] : []
  const lines = happened.slice(-mostLines).map(({ at, text }) => `${at.toFixed(0).padStart(6)} ms  ${text}`)
  const headline = `stage ${stage}, seed ${run.plan.seed}`
  return [headline, ...before, ...lines, `✘ ${finding.guarantee} ${finding.what}`, ...detailOf(finding)]
}

function faultsOf({ plan }: Run): Happened[] {
  return plan.faults.map(({ at, fault }) => ({ at, text: formatFault(fault) }))
}

/**
 * Tells the calls. Calls whose answers fit no order are left out here: they are drawn below, each with its length in
 * time.
 */
function callsOf({ operations }: Run, { guarantee, detail }: Finding): Happened[] {
  if (detail !== '' && guarantee !== 'G6' && guarantee !== 'G10') return []
  const told = guarantee === 'G10' ? operations : operations.filter(({ client }) => client !== 'last')
  return told.map((operation) => ({ at: operation.call, text: describe(operation) }))
}

/** Tells what nodes do, as far as it makes a story. */
export function nodesOf(events: readonly Moment[]): Happened[] {
  return events.flatMap((event) => {
    const text = sentenceOf(event)
    return text ? [{ at: event.at, text }] : []
  })
}

/** Tells an event of a node, if it makes a story. Of the messages, only granted votes are told. */
function sentenceOf(event: Moment): string | null {
  const { node = '' } = event
  switch (event.event) {
    case 'campaign':
      return `${node} asks for votes in term ${event.term}`
    case 'elected':
      return `${node} leads term ${event.term}, elected by ${event.votes.join(', ')}`
    case 'deposed':
      return `${node} leads term ${event.term} no more: it hears of term ${event.by}`
    case 'truncated':
      return `${node} takes back entries ${event.from} to ${event.last}`
    case 'installed':
      return `${node} installs a snapshot up to entry ${event.index}`
    case 'send':
      return describeVote(node, event.message)
    default:
      return null
  }
}

function describeVote(node: string, message: Message): string | null {
  const { type, to, term, voteGranted } = message as Message & { term?: number; voteGranted?: boolean }
  return type === 'RequestVoteReply' && voteGranted ? `${node} gives ${to} its vote in term ${term}` : null
}

/** Tells the details of a finding; of replicas that disagree, one of each kind is enough. */
function detailOf({ guarantee, detail }: Finding): string[] {
  const lines = detail === '' ? [] : detail.split('\n')
  return guarantee === 'G6' ? lines.filter(differs) : lines
}

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
