import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event, NodeId } from '../../../src/contracts.js'
import { ConfigError } from '../../../src/errors.js'
import { localMembers } from '../../../src/network/local-members.js'
import { NotationError } from '../../../src/proof/scenario/notation.js'
import { play } from '../../../src/proof/scenario/play.js'
import { checkPlayable } from '../../../src/proof/scenario/playable.js'
import type { Driver, Played, Scenario, Statement, Subject } from '../../../src/proof/scenario/scenario.js'
import { freeBasePort } from '../../cluster/free-ports.js'
import { etcdClient } from '../../engine/etcd/client.js'
import { EtcdCluster } from '../../engine/etcd/cluster.js'
import { etcdCommands } from '../../engine/etcd/commands.js'
import { requireEtcd } from '../../engine/etcd/program.js'
import { accidentOf, RealDriver } from './real.js'

const host = '127.0.0.1'
const nodes = ['n1', 'n2', 'n3', 'n4', 'n5']

/** etcd as scenarios see it. Its members change in another order than ours, so scripts count on fixed ones. */
const subjectOf = (version: string): Subject => ({
  commands: etcdCommands,
  members: 'fixed',
  name: `etcd ${version}`,
  number: null,
})

/** Kinds of lines that ask for more than processes of another system can do or show, each with the reason. */
const beyond: Partial<Readonly<Record<Statement['kind'], string>>> = {
  delay: 'it delays messages, which needs --hosts netns',
  'logs under': 'it looks into the logs, and those of etcd are its own',
  'has a snapshot': 'it looks for snapshots, and those of etcd are its own',
  'uncommitted on a majority': 'it looks into the logs, and those of etcd are its own',
  ...Object.fromEntries(
    ['sends', 'ends', 'receives', 'is closed'].map((kind) => [kind, 'it sends the bytes of our own protocol']),
  ),
}

/** The reason why a scenario cannot be played on etcd; null if it can. */
export function obstacleOnEtcd(scenario: Scenario): string | null {
  if (!scenario.drivers.includes('real')) return 'it is for virtual time alone'
  if (Object.keys(scenario.believes).length > 0) return 'it needs nodes that were told wrong things'
  if (scenario.snapshotEntries !== null) return 'it needs snapshots after so many entries, and etcd has its own number'
  const found = reasonIn(scenario.statements)
  if (found !== undefined) return found
  try {
    checkPlayable(scenario, subjectOf('3'), { nodes } as unknown as Driver)
    return null
  } catch (error) {
    if (error instanceof NotationError) return error.message
    throw error
  }
}

function reasonIn(statements: readonly Statement[]): string | undefined {
  for (const one of statements) {
    const isCut = one.kind === 'fault' && ['cut', 'split', 'heal'].includes(one.fault.word)
    const reason = isCut ? 'it cuts links, which needs --hosts netns' : beyond[one.kind]
    const deeper = one.kind === 'repeat' ? reasonIn(one.body) : undefined
    if (reason ?? deeper) return reason ?? deeper
  }
  return undefined
}

/**
 * Plays a scenario on five processes of etcd, with signals for kill and pause; the verdict is that of our checker. The
 * processes end with the scenario.
 *
 * @throws ConfigError if etcd is not installed, or the scenario needs more than it can do or show
 */
export async function playOnEtcd(
  scenario: Scenario,
  seed = 1,
  onStderr = (node: NodeId, text: string) => console.error(`${node} ${text.trimEnd()}`),
): Promise<Played> {
  const version = requireEtcd()
  const obstacle = obstacleOnEtcd(scenario)
  if (obstacle !== null) throw new ConfigError(`${scenario.id} cannot be played on etcd: ${obstacle}`)
  const dataDir = await mkdtemp(join(tmpdir(), 'raft-roadmap-'))
  const members = localMembers(nodes.length, host, await freeBasePort(nodes.length, host))
  const accidents: string[] = []
  const onEvent = (event: Event) => accidents.push(...accidentOf(event))
  const cluster = new EtcdCluster({ members, dataDir, onEvent, onStderr })
  const clientOf = (addresses: readonly string[]) => etcdClient({ addresses })
  const driver = new RealDriver(cluster, members, scenario, accidents, clientOf)
  try {
    await driver.begin(() => cluster.start())
    await driver.ready()
    return await play(scenario, subjectOf(version), driver, seed)
  } finally {
    await driver.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/**
 * Plays one after another all scenarios that can be played on etcd.
 *
 * @param onProgress called before each, with the number of those that are done
 */
export async function playAllOnEtcd(
  scenarios: readonly Scenario[],
  onProgress: (done: number, total: number, id: string) => void,
): Promise<Played[]> {
  const playable = scenarios.filter((scenario) => obstacleOnEtcd(scenario) === null)
  const played: Played[] = []
  for (const scenario of playable) {
    onProgress(played.length, playable.length, scenario.id)
    played.push(await playOnEtcd(scenario))
  }
  return played
}
