/** A node that has survived the majority of its cluster: what its log has, and how it begins a new cluster with that. */
import { beginAnew, indexGap } from '../../src/backup/begin-anew.js'
import { lastOf, ownerOf, type StoppedNode, stateOf, withStoppedNode } from '../../src/backup/stopped-node.js'
import type { Event, Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { newIncarnation } from '../../src/storage/identity.js'
import { isSound, lookAtWal } from '../../src/storage/wal-look.js'
import { headerOfNewCluster } from '../../stages/8-membership/begin-anew.js'
import { idsOf, membersOf } from '../../stages/8-membership/configuration.js'
import { MembersLog } from '../../stages/8-membership/members-log.js'
import { latest } from '../../stages/index.js'
import { stageWith } from '../cluster/applications.js'
import { applicationOf } from './cluster-name.js'
import type { LogEnd } from './events.js'

/** Looks at the end of a stopped node's log, and changes nothing. @throws ConfigError if the folder is no node's, or is in LevelDB */
export async function lookAtEnd(folder: string): Promise<LogEnd> {
  const { node, cluster, log } = await ownerOf(folder)
  if (log === 'level') throw new ConfigError(inLevel(folder))
  const look = await lookAtWal(folder)
  if (!look) throw new ConfigError(`${folder} holds no log of a node: name the node's own folder, such as data/n1`)
  const snapshots = look.snapshots.flatMap(({ snapshot }) => snapshot ?? [])
  const { edge, entries, commit, scan } = look
  const { configuration } = new MembersLog({ ...unread, edge, entries, snapshots }).configuration
  const { index, term } = entries.at(-1) ?? edge
  const known = Math.max(commit, snapshots[0]?.index ?? 0)
  const { origin, voters } = configuration
  const isWhole = isSound(look) && scan.tail?.kind !== 'damage'
  return { folder, node, cluster, origin, index, term, commit: known, voters: idsOf(voters), sound: isWhole }
}

/** The message for a folder whose log is in LevelDB, and what can be done with it instead. */
const inLevel = (folder: string) =>
  `${folder} keeps its log in LevelDB (--log level), and recover takes logs of the kind "file" alone: nothing was changed; \`backup FILE --data-dir ${folder}\` writes down what it knows to be committed, and \`restore\` begins a new cluster with that`

const unread = { term: 0, votedFor: null, commit: 0, incarnation: '' }

/** Puts survivors in order, the one with the most first: by the last term, then by the last entry (§5.4.1). */
export function bestFirst(ends: readonly LogEnd[]): LogEnd[] {
  return ends.toSorted(
    (one, other) => Number(other.sound) - Number(one.sound) || other.term - one.term || other.index - one.index,
  )
}

/** A node that has begun a new cluster. */
export type Recovered = Extract<Event, { event: 'recovered' }>

/**
 * Makes a stopped node a new cluster, alone, with all that its log has, committed or not. One durable record in the log
 * does it: a crash before leaves the node as it was.
 *
 * @param moved the node's addresses, if they are to be others
 * @throws ConfigError if the node runs, or knows of no cluster; DamagedLogError; DiskError
 */
export async function recoverNode(
  folder: string,
  moved: Member | null,
  notice: (event: Event) => void,
): Promise<Recovered> {
  const end = await lookAtEnd(folder)
  const added = await withStoppedNode(folder, notice, (stopped) => begin(stopped, moved))
  return { event: 'recovered', ...end, ...added }
}

async function begin(stopped: StoppedNode, moved: Member | null) {
  const { identity, log, recovered } = stopped
  const { node: id, cluster } = identity
  const { incarnation, term } = recovered
  const { configuration } = new MembersLog(recovered).configuration
  if (configuration.origin === '')
    throw new ConfigError(
      `${id} knows of no cluster (members are in the log from stage 8 on): there is nothing to recover`,
    )
  const known = membersOf(configuration).find((member) => member.id === id)
  const self = moved ?? known
  if (!self || self.id !== id)
    throw new ConfigError(`the folder is that of ${id}; say where it listens: --peers ${id}=host:port/host:port`)
  const last = lastOf(stopped)
  const application = applicationOf(cluster)
  const machine = await stateOf(stageWith(latest, application), stopped, last.index)
  const origin = newIncarnation()
  const place = { index: last.index + indexGap, term: last.term }
  const { client, peer } = self
  const header = headerOfNewCluster(place, origin, [{ id, client, peer, incarnation }])
  await beginAnew(log, { header, term, application, lines: await machine.snapshot() })
  return { newOrigin: origin, newIndex: place.index, client, peer }
}
