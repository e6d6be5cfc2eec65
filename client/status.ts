import type { Cluster } from '../src/cluster.js'
import type { Status } from '../src/contracts.js'
import { keptOf } from '../src/scenario/compaction.js'
import type { Client } from './client.js'
import { colour, nodeColour } from './colour.js'
import { table } from './table.js'

export interface StatusSource {
  readonly client: Client
  readonly addresses: readonly string[]
  readonly cluster?: Cluster
}

/** How long a node may take to say how it is; a paused one never will. */
const deadlineMs = 500

/** What the nodes say of themselves, by address; null for one that says nothing. */
async function statuses({ client, addresses }: StatusSource): Promise<Map<string, Status | null>> {
  const asked = addresses.map(async (at): Promise<[string, Status | null]> => {
    const outcome = await client.call({ command: 'info' }, { at, deadlineMs })
    return [at, outcome.outcome === 'done' ? (outcome.answer.info as Status) : null]
  })
  return new Map(await Promise.all(asked))
}

/** Each node's address by its name, as far as the nodes answer. */
export async function nodeNames(source: StatusSource): Promise<Map<string, string>> {
  const started = source.cluster?.nodes()
  if (started) return new Map(started.map(({ id, client }) => [id, client]))
  const known = [...(await statuses(source))].filter((entry): entry is [string, Status] => entry[1] !== null)
  return new Map(known.map(([address, { id }]) => [id, address]))
}

/** All nodes in one table; columns that no node of this stage has are left out. */
export async function statusTable(source: StatusSource): Promise<string> {
  const started = new Map(source.cluster?.nodes().map((node) => [node.client, node]))
  const rows = [...(await statuses(source))].map(([address, status]) => {
    const node = started.get(address)
    const condition = node?.condition ?? (status ? 'up' : 'no answer')
    return {
      node: nodeColour(status?.id ?? node?.id ?? '?'),
      address,
      pid: String(status?.pid ?? node?.pid ?? ''),
      condition:
        condition === 'up' ? (status ? colour.green('up') : colour.yellow('no answer')) : colour.red(condition),
      role: status?.role === 'leader' ? colour.bold('leader') : (status?.role ?? ''),
      leader: status?.leader ?? (status?.term === undefined ? '' : colour.yellow('none')),
      term: text(status?.term),
      snapshot: text((status && keptOf(status).snapshot) || undefined),
      'last log': text(status?.log?.last),
      commit: text(status?.commit),
      applied: text(status?.applied),
    }
  })
  const columns = Object.keys(rows[0]!).filter((name) => rows.some((row) => row[name as keyof typeof row] !== ''))
  return table([
    columns.map((name) => colour.dim(name)),
    ...rows.map((row) => columns.map((name) => row[name as keyof typeof row])),
  ])
}

function text(value: number | undefined): string {
  return value === undefined ? '' : String(value)
}
