import type { Member, Status } from '../../src/contracts.js'
import { keptOf } from '../../src/proof/scenario/compaction.js'
import type { Cluster } from '../../src/server/cluster.js'
import { mostKnowing } from '../../src/server/readiness.js'
import { mapTexts, oneLine } from '../../src/text.js'
import type { Client } from '../client.js'
import { catchUps } from '../cluster/change-members.js'
import { colour, nodeColour } from './colour.js'
import { describeAwaited, describeBar, describeMembers } from './events.js'
import { table, widthOf } from './table.js'

export interface StatusSource {
  readonly client: Client
  readonly addresses: readonly string[]
  /** The nodes that were started here. */
  readonly cluster?: { nodes(): readonly StartedNode[] }
}

/** A node's process, as the one who started it knows it. */
type StartedNode = Pick<ReturnType<Cluster['nodes']>[number], 'id' | 'client' | 'pid' | 'condition'>

/** Milliseconds that a node may take to give its status; a paused node never does. */
const deadlineMs = 500

/** Cuts a text of a node, so that it fits into a cell of the table. */
const oneWord = (text: string) => oneLine(text, 64)

/** Asks the nodes for their status, by address; null for a node that does not answer. */
async function statuses(source: StatusSource): Promise<Map<string, Status | null>> {
  const { client } = source
  const asked = (await addressesOf(source)).map(async (at): Promise<[string, Status | null]> => {
    const outcome = await client.call({ command: 'info' }, { at, deadlineMs })
    return [at, outcome.outcome === 'done' ? (mapTexts(outcome.answer.info, oneWord) as Status) : null]
  })
  return new Map(await Promise.all(asked))
}

/**
 * Lists the addresses of the nodes that were started here; otherwise of the members, as they know each other, and those
 * given.
 */
async function addressesOf({ client, addresses, cluster }: StatusSource): Promise<readonly string[]> {
  if (cluster) return cluster.nodes().map((node) => node.client)
  const outcome = await client.call({ command: 'members' }, { deadlineMs })
  const members = outcome.outcome === 'done' ? (mapTexts(outcome.answer.members, oneWord) as Member[]) : []
  return [...new Set([...addresses, ...members.map((member) => member.client)])]
}

/** Finds each node's address by its name, as far as the nodes answer. */
export async function nodeNames(source: StatusSource): Promise<Map<string, string>> {
  const started = source.cluster?.nodes()
  if (started) return new Map(started.map(({ id, client }) => [id, client]))
  const known = [...(await statuses(source))].filter((entry): entry is [string, Status] => entry[1] !== null)
  return new Map(known.map(([address, { id }]) => [id, address]))
}

/** Describes the leader, as the answering nodes know it; no sentence at stages without leaders. */
export async function whoLeads(source: StatusSource) {
  const told = [...(await statuses(source))].flatMap(([address, status]) => (status ? [{ address, ...status }] : []))
  const names = told.map(({ id }) => id)
  const best = told.filter(({ role }) => role === 'leader').sort((one, other) => (other.term ?? 0) - (one.term ?? 0))[0]
  if (best)
    return {
      names,
      address: best.address,
      sentence: `${best.id} leads${best.term === undefined ? '' : ` term ${best.term}`}`,
    }
  const isLed = told.some(({ role }) => role === 'follower' || role === 'candidate')
  return { names, address: undefined, sentence: isLed ? 'nobody leads yet' : '' }
}

/** Prints the status of all nodes in one table, which fits a terminal of `width` columns if it can. */
export async function statusTable(source: StatusSource, width: number): Promise<string> {
  const started = new Map(source.cluster?.nodes().map((node) => [node.client, node]))
  const told = await statuses(source)
  const rows = [...told].map(([address, status]) => {
    const node = started.get(address)
    const condition = node?.condition ?? (status ? 'up' : 'no answer')
    return {
      node: nodeColour(status?.id ?? node?.id ?? '?'),
      address,
      pid: String(status?.pid ?? node?.pid ?? ''),
      condition:
        condition === 'up' ? (status ? colour.green('up') : colour.yellow('no answer')) : colour.red(condition),
      role: status?.role === 'leader' ? colour.bold('leader') : (status?.role ?? ''),
      member: describeStanding(status?.member),
      leader: status?.leader ?? (status?.term === undefined ? '' : colour.yellow('none')),
      term: text(status?.term),
      snapshot: text((status && keptOf(status).snapshot) || undefined),
      'last log': text(status?.log?.last),
      commit: text(status?.commit),
      applied: text(status?.applied),
      sessions: text(status?.sessions),
    }
  })
  const all = [...told.values()].flatMap((one) => one ?? [])
  return [
    fitted(rows, width),
    ...describeMembership(all),
    ...all.flatMap(describeIdentity),
    ...all.flatMap(describeDisk),
  ].join('\n')
}

type Row = Readonly<Record<string, string>>

/**
 * Columns that a narrow terminal can do without, in the order in which they go. A column goes only while the others
 * tell as much.
 */
const dispensable: readonly (readonly [column: string, isPlain: (rows: readonly Row[]) => boolean])[] = [
  ['pid', () => true],
  ['sessions', (rows) => new Set(rows.flatMap(({ sessions }) => sessions || [])).size <= 1],
  ['member', (rows) => rows.every(({ member }) => member === 'voter' || member === '')],
  ['leader', (rows) => new Set(rows.flatMap(({ leader }) => leader || [])).size === 1],
  ['applied', (rows) => rows.every(({ commit, applied }) => commit === applied)],
]

/**
 * Prints rows as a table. Columns that no node of this stage has are left out, and columns for which a narrow terminal
 * has no room.
 */
export function fitted(rows: readonly Row[], width: number): string {
  const columns = new Set(Object.keys(rows[0]!).filter((name) => rows.some((row) => row[name] !== '')))
  const draw = () => {
    const heads = [...columns].map((name) => colour.dim(name))
    return table([heads, ...rows.map((row) => [...columns].map((name) => row[name]!))])
  }
  for (const [name, isPlain] of dispensable) {
    if (widthOf(draw()) > width && isPlain(rows)) columns.delete(name)
  }
  return draw()
}

/** Describes what a node knows of other clusters and of lost disks, and its advice if it is not counted itself. */
function describeIdentity(status: Status): string[] {
  const { id, foreign = [], disks = {}, founding, advice } = status
  const lost = Object.entries(disks).map(([member, why]) =>
    colour.yellow(
      `${member}'s disk is lost: it ${why === 'older' ? 'is older than what it acknowledged' : 'was replaced'} (says ${id})`,
    ),
  )
  const others = foreign.map((one) =>
    colour.yellow(`${id} has met ${one.id} of another cluster (origin ${one.origin})`),
  )
  const waits = founding?.silent?.length
    ? [colour.yellow(`${id} founds nothing before ${founding.silent.join(', ')} has answered`)]
    : []
  return [...lost, ...others, ...waits, ...(advice ? [colour.yellow(`${id}: ${advice}`)] : [])]
}

function describeStanding(member: string | undefined): string {
  if (member === undefined) return ''
  return member === 'voter' ? 'voter' : member === 'learner' ? colour.cyan('learner') : colour.yellow(member)
}

/** Describes the members, as the leader has them, and the change under way; empty at stages with fixed members. */
function describeMembership(all: readonly Status[]): string[] {
  const best = mostKnowing(all)
  if (!best?.voters) return []
  const { id, role, voters, outgoing, learners, change } = best
  const says = role === 'leader' ? '' : colour.dim(` (as ${id} has it; nobody leads)`)
  const goal = change?.voters
  const coming = goal && goal.join() !== voters.join() ? [`on the way to: voters ${goal.join(', ')}`] : []
  const stuck = outgoing && role !== 'leader' ? [describeHalfWay(voters, outgoing)] : []
  const members = `${describeMembers(voters, outgoing, learners)}${says}`
  return [members, ...coming, ...stuck, ...all.flatMap(describeWaiting), ...catchUps(best).map(describeBar)]
}

function describeWaiting({ id, waiting }: Status): string[] {
  return waiting ? [colour.yellow(`${id} waits ${describeAwaited(waiting)}`)] : []
}

/**
 * Describes a joint configuration without a leader. A leader needs a majority of both sets; which of them is missing,
 * is not known.
 */
function describeHalfWay(voters: readonly string[], outgoing: readonly string[]): string {
  const both = `a majority of ${outgoing.join(', ')} and one of ${voters.join(', ')}`
  return colour.yellow(`half-way: it takes ${both} to go on; start those that are dead`)
}

function describeDisk({ id, snapshotFailed, diskLow, diskFreeBytes }: Status): string[] {
  return [
    ...(diskLow
      ? [`${nodeColour(id)} ${colour.yellow(`has a disk that is nearly full: ${diskFreeBytes} bytes left`)}`]
      : []),
    ...(snapshotFailed ? [`${nodeColour(id)} ${colour.yellow(`has no room for a snapshot: ${snapshotFailed}`)}`] : []),
  ]
}

function text(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}
