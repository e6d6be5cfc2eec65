import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Event, NodeId } from '../../../src/contracts.js'
import { ConfigError } from '../../../src/errors.js'
import { hostedMembers, localMembers } from '../../../src/network/local-members.js'
import { NotationError } from '../../../src/proof/scenario/notation.js'
import { play } from '../../../src/proof/scenario/play.js'
import { checkPlayable } from '../../../src/proof/scenario/playable.js'
import type { Driver, Played, Scenario, Statement, Subject } from '../../../src/proof/scenario/scenario.js'
import type { Hosts } from '../../../src/server/hosts/hosts.js'
import { freeBasePort } from '../../cluster/free-ports.js'
import { etcdClient } from '../../engine/etcd/client.js'
import { EtcdCluster } from '../../engine/etcd/cluster.js'
import { etcdCommands } from '../../engine/etcd/commands.js'
import { requireEtcd } from '../../engine/etcd/program.js'
import { accidentOf, portOnHosts, RealDriver } from './real.js'

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
  delay: 'it delays messages one by one, and those of etcd are its own',
  'logs under': 'it looks into the logs, and those of etcd are its own',
  'has a snapshot': 'it looks for snapshots, and those of etcd are its own',
  'uncommitted on a majority': 'it looks into the logs, and those of etcd are its own',
  ...Object.fromEntries(
    ['sends', 'ends', 'receives', 'is closed'].map((kind) => [kind, 'it sends the bytes of our own protocol']),
  ),
}

/** Kinds of faults that break links, which only hosts of their own do to etcd. */
const ofLinks: readonly string[] = ['cut', 'split', 'heal']

/**
 * The reason why a scenario cannot be played on etcd; null if it can.
 *
 * @param onHosts true if each node has a host of its own, so that links can be cut
 */
export function obstacleOnEtcd(scenario: Scenario, onHosts = false): string | null {
  if (!scenario.drivers.includes('real')) return 'it is for virtual time alone'
  if (Object.keys(scenario.believes).length > 0) return 'it needs nodes that were told wrong things'
  if (scenario.snapshotEntries !== null) return 'it needs snapshots after so many entries, and etcd has its own number'
  const found = reasonIn(scenario.statements, onHosts)
  if (found !== undefined) return found
  try {
    checkPlayable(scenario, subjectOf('3'), { nodes } as unknown as Driver)
    return null
  } catch (error) {
    if (error instanceof NotationError) return error.message
    throw error
  }
}

function reasonIn(statements: readonly Statement[], onHosts: boolean): string | undefined {
  for (const one of statements) {
    const isCut = !onHosts && one.kind === 'fault' && ofLinks.includes(one.fault.word)
    const reason = isCut ? 'it cuts links, which needs --hosts netns' : beyond[one.kind]
    const deeper = one.kind === 'repeat' ? reasonIn(one.body, onHosts) : undefined
    if (reason ?? deeper) return reason ?? deeper
  }
  return undefined
}

/** Lists the clients that a script names, each once. */
function clientsIn(statements: readonly Statement[]): string[] {
  const named = statements.flatMap((one) => {
    if (one.kind === 'repeat') return clientsIn(one.body)
    return one.kind === 'call' || one.kind === 'opens' ? [one.client] : []
  })
  return [...new Set(named)]
}

/** Settings of a play on etcd. */
interface HowOnEtcd {
  readonly seed?: number
  /** The hosts of the nodes, one each; null if all run on this machine. */
  readonly hosts?: Hosts | null
  /** Options of etcd besides its defaults, by their names. */
  readonly etcdOption?: Readonly<Record<string, string>>
}

/**
 * Plays a scenario on five processes of etcd, with signals for kill and pause; the verdict is that of our checker. The
 * processes end with the scenario. Its clients are connected with every node before it begins, because no connection of
 * gRPC comes about with a process that is paused: a call would never leave, where one of ours does.
 *
 * @throws ConfigError if etcd is not installed, or the scenario needs more than it can do or show
 */
export async function playOnEtcd(
  scenario: Scenario,
  { seed = 1, hosts = null, etcdOption: more = {} }: HowOnEtcd = {},
  onStderr = (node: NodeId, text: string) => console.error(`${node} ${text.trimEnd()}`),
): Promise<Played> {
  const version = requireEtcd()
  const obstacle = obstacleOnEtcd(scenario, hosts !== null)
  if (obstacle !== null) throw new ConfigError(`${scenario.id} cannot be played on etcd: ${obstacle}`)
  const dataDir = await mkdtemp(join(tmpdir(), 'raft-roadmap-'))
  const members = hosts
    ? hostedMembers(nodes.length, portOnHosts)
    : localMembers(nodes.length, host, await freeBasePort(nodes.length, host))
  const accidents: string[] = []
  const onEvent = (event: Event) => accidents.push(...accidentOf(event))
  const cluster = new EtcdCluster({ members, hosts, dataDir, more, onEvent, onStderr })
  const clientOf = (addresses: readonly string[]) => etcdClient({ addresses })
  const driver = new RealDriver(cluster, members, scenario, accidents, clientOf)
  try {
    await driver.begin(() => cluster.start())
    await driver.ready()
    await driver.meet(clientsIn(scenario.statements))
    return remarked(await play(scenario, subjectOf(version), driver, seed), more)
  } finally {
    await driver.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** Adds to a transcript that does not end well with which options etcd ran. */
function remarked(played: Played, more: Readonly<Record<string, string>>): Played {
  if (played.verdict === 'holds') return played
  const given = Object.entries(more).map(([name, value]) => `${name}=${value}`)
  const remark =
    given.length > 0
      ? `# etcd ran with ${given.join(', ')}`
      : '# etcd ran with the options that it has by default; in 3.4 pre-vote is off'
  return { ...played, transcript: [...played.transcript, remark] }
}

/**
 * Plays one after another all scenarios that can be played on etcd.
 *
 * @param etcdOption options of etcd besides its defaults, by their names
 * @param onProgress called before each, with the number of those that are done
 */
export async function playAllOnEtcd(
  scenarios: readonly Scenario[],
  etcdOption: Readonly<Record<string, string>>,
  onProgress: (done: number, total: number, id: string) => void,
): Promise<Played[]> {
  const playable = scenarios.filter((scenario) => obstacleOnEtcd(scenario) === null)
  const played: Played[] = []
  for (const scenario of playable) {
    onProgress(played.length, playable.length, scenario.id)
    played.push(await playOnEtcd(scenario, { etcdOption }))
  }
  return played
}
