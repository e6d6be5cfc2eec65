import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { localMembers } from '../../src/network/local-members.js'
import { cli } from './running.js'

/** A folder with the file of a cluster, and the verbs about it. */
interface Place {
  readonly folder: string
  readonly path: string
  readonly addresses: readonly string[]
  /** Runs a verb, and reads its events. */
  verb(name: string, ...args: string[]): Promise<{ code: number | null; events: Event[]; stderr: string }>
  pidOf(id: string): number
}

/** An event of a verb. */
export interface Event {
  readonly event: string
  readonly node?: string
  readonly pid?: number
}

/** A folder with the file of a cluster; at the end of the test the cluster is ended, whatever its state. */
export async function place(t: Test, nodes: number, settings = ''): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  const members = localMembers(nodes, '127.0.0.1', await freeBasePort(nodes, '127.0.0.1'))
  const list = members.map(({ id, client, peer }) => `  ${id}: { client: '${client}', peer: '${peer}' }\n`)
  const path = join(folder, 'cluster.yaml')
  writeFileSync(path, `cluster: orders\n${settings}nodes:\n${list.join('')}`)
  const verb: Place['verb'] = async (name, ...args) => {
    const { stdout, ...rest } = await cli([name, '--config', path, '--json', ...args])
    return {
      ...rest,
      events: stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Event),
    }
  }
  t.teardown(async () => {
    await verb('down')
    rmSync(folder, { recursive: true, force: true })
  })
  const note = (id: string) => readFileSync(join(folder, 'data', `${id}.process`, 'process.json'), 'utf8')
  const pidOf = (id: string) => (JSON.parse(note(id)) as { pid: number }).pid
  return { folder, path, addresses: members.map(({ client }) => client), verb, pidOf }
}
