import { backupFormat, type Moment } from '../../src/backup/format.js'
import { type StoppedNode, stateOf } from '../../src/backup/stopped-node.js'
import { ConfigError } from '../../src/errors.js'
import { membersOf } from '../../stages/8-membership/configuration.js'
import { MembersLog } from '../../stages/8-membership/members-log.js'
import { latest } from '../../stages/index.js'
import { stageWith } from '../cluster/applications.js'
import { version } from '../version.js'
import { applicationOf } from './cluster-name.js'

/**
 * Makes the state of a stopped node, up to the last entry that its disk knows to be committed.
 *
 * @throws ConfigError if it knows of none
 */
export async function folderMoment(stopped: StoppedNode): Promise<Moment> {
  const { identity, recovered } = stopped
  const { cluster } = identity
  const { commit: index, snapshots } = recovered
  if (index === 0) throw new ConfigError(`the disk of ${identity.node} knows of no entry that it is committed`)
  const application = applicationOf(cluster)
  const machine = await stateOf(stageWith(latest, application), stopped, index)
  const { configuration } = new MembersLog(recovered).configurationAt(index)
  const entry = recovered.entries.find((one) => one.index === index)
  const term = entry?.term ?? (snapshots[0]?.index === index ? snapshots[0].term : recovered.edge.term)
  const members = membersOf(configuration).map(({ id, client, peer }) => ({ id, client, peer }))
  const { origin } = configuration
  const at = new Date().toISOString()
  const header = { backup: backupFormat, application, cluster, origin, index, term, at, version, members }
  return { header, lines: await machine.snapshot(), bytes: 0 }
}
