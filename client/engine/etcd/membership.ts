/** Nodes that come to a cluster of etcd which was started here, and leave it, with their processes. */
import type { Command, Event, Outcome } from '../../../src/contracts.js'
import { ConfigError } from '../../../src/errors.js'
import { localMember } from '../../../src/network/local-members.js'
import type { DataFolder } from '../../../src/server/data-folder.js'
import type { Client } from '../../client.js'
import { freeMember } from '../../cluster/free-ports.js'
import { eachOf, type MemberWords, parseMemberLine } from '../../cluster/membership.js'
import { UsageError } from '../../text/words.js'
import type { EtcdCluster } from './cluster.js'

interface Premises {
  readonly cluster: EtcdCluster
  readonly client: Client
  readonly data: DataFolder
  readonly host: string
  readonly basePort: number
}

/**
 * Adds and removes nodes. In etcd a member is counted first and started then, the other way round than here: so the
 * cluster needs one answer more for each write until the newcomer runs.
 */
export class EtcdMembership implements MemberWords {
  readonly #premises: Premises

  constructor(premises: Premises) {
    this.#premises = premises
  }

  async perform(line: string, say: (event: Event) => void): Promise<Outcome> {
    const { word, id, role, force } = parseMemberLine(line)
    if (force) throw new UsageError('etcd has no `force`: it refuses a change while too few members are alive')
    return word === 'add' ? this.#add(id, role, say) : this.#remove(id, say)
  }

  eachOf(line: string): string[] {
    return eachOf(line)
  }

  fillIn(command: Command): Command {
    return command
  }

  async #add(id: string, role: string | undefined, say: (event: Event) => void): Promise<Outcome> {
    const { cluster, client, host, basePort } = this.#premises
    const number = Number(/^n([1-9]\d?)$/.exec(id)?.[1])
    if (!number) throw new UsageError(`a node that is started here is called n1 to n99, not ${id}`)
    if (cluster.nodes().some((node) => node.id === id)) throw new ConfigError(`${id} is there already`)
    const onItsHost = cluster.hosts && localMember(number, id, basePort)
    const member = onItsHost ?? (await freeMember(localMember(number, host, basePort), host, []))
    const { client: address, peer } = member
    const command = { command: 'add_node', node: id, client: address, peer, ...(role !== undefined && { role }) }
    const outcome = await client.call(command)
    if (outcome.outcome === 'done') say(await cluster.add(member))
    return outcome
  }

  async #remove(id: string, say: (event: Event) => void): Promise<Outcome> {
    const { cluster, client, data } = this.#premises
    if (!cluster.nodes().some((node) => node.id === id)) {
      const all = cluster.nodes().map((node) => node.id)
      throw new ConfigError(`there is no node ${id}; there are ${all.join(', ')}`)
    }
    const outcome = await client.call({ command: 'remove_node', node: id })
    if (outcome.outcome !== 'done') return outcome
    await cluster.remove(id)
    data.putAside(id)
    say({ event: 'left', node: id, voters: outcome.answer.voters })
    return outcome
  }
}
