import type { Command, Event, Member, NodeId, Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { localMember } from '../../src/network/local-members.js'
import type { Cluster } from '../../src/server/cluster.js'
import type { DataFolder } from '../../src/server/data-folder.js'
import type { Client } from '../client.js'
import { UsageError } from '../text/words.js'
import { type ChangeSettings, changeMembers, gone, isGone } from './change-members.js'
import { freeMember } from './free-ports.js'

declare module '../../src/events.js' {
  interface EventDetails {
    left: { voters: unknown }
  }
}

/** Words that add and remove nodes of a cluster that was started here; they also start and end the nodes' processes. */
export const memberWords = {
  add: {
    usage: 'add n6 [n7 …] [learner] [force]',
    help: 'start a new node and take it in, or one again that has lost its disk; `learner` and `force` as in add_node',
  },
  remove: {
    usage: 'remove n6 [n7 …] [force]',
    help: 'take a node out, and end its process; `force` as in remove_node',
  },
} as const

/** Words behind the names of nodes: how they are added or removed. */
const hows = ['learner', 'force']

export type MemberWord = keyof typeof memberWords

export const isMemberWord = (word: string): word is MemberWord => Object.hasOwn(memberWords, word)

export interface Premises {
  readonly cluster: Cluster
  readonly client: Client
  /** The folder of the cluster; null if nothing is kept in folders. */
  readonly data: DataFolder | null
  readonly host: string
  readonly basePort: number
  /** The distances of a node's further ports from its port for clients. */
  readonly above: readonly number[]
  /** The cluster's name, which all its nodes share. */
  readonly name: string
  /** Issues the certificate of a node that is about to be started, where nodes speak TLS. */
  readonly certify?: (member: Member) => Promise<void>
}

/** Splits a line for several nodes into a line for each. */
export function eachOf(line: string): string[] {
  const [word, ...names] = line.trim().split(/\s+/)
  const nodes = names.filter((name, at) => at === 0 || !hows.includes(name))
  const how = names.slice(nodes.length).map((one) => ` ${one}`)
  return names.length > 0 ? nodes.map((name) => `${word} ${name}${how.join('')}`) : [line]
}

/** Reads a line of these words for one node. @throws UsageError if it is none */
export function parseMemberLine(line: string) {
  const [word = '', id = '', ...rest] = line.trim().split(/\s+/)
  if (!isMemberWord(word)) throw new UsageError(`no word ${JSON.stringify(word)}`)
  const role = word === 'add' && rest[0] === 'learner' ? rest.shift() : undefined
  const force = rest[0] === 'force' ? rest.shift() === 'force' : undefined
  if (!/^\w+$/.test(id) || rest.length > 0) throw new UsageError(`usage: ${memberWords[word].usage}`)
  return { word, id, role, force }
}

/** Words that add and remove nodes, as a prompt and a script need them, whichever engine the nodes are of. */
export type MemberWords = Pick<Membership, 'perform' | 'eachOf' | 'fillIn'>

/** Adds nodes to a cluster that was started here, and removes them, with their processes and folders. */
export class Membership {
  readonly #premises: Premises

  constructor(premises: Premises) {
    this.#premises = premises
  }

  /**
   * Performs a line of these words.
   *
   * @param say called with the events on the way
   * @throws UsageError if the line is none of these words; ConfigError if a node cannot be started
   */
  async perform(line: string, say: (event: Event) => void, settings: ChangeSettings): Promise<Outcome> {
    const { word, id, role, force } = parseMemberLine(line)
    const how = { ...(role !== undefined && { role }), ...(force !== undefined && { force }) }
    if (word === 'add') return this.#add(id, how, say, settings)
    return this.#remove(id, force === undefined ? {} : { force }, say, settings)
  }

  /** Splits a line for several nodes into a line for each. */
  eachOf(line: string): string[] {
    return eachOf(line)
  }

  /** Fills in the addresses of nodes that run here, so that a command can name a node alone. */
  fillIn(command: Command): Command {
    if (command.command !== 'reconfigure') return command
    const voters = (command.voters as string[]).map((name) => {
      const node = this.#node(name)
      return node ? `${name}=${node.client}/${node.peer}` : name
    })
    return { ...command, voters }
  }

  #node(id: NodeId) {
    return this.#premises.cluster.nodes().find((node) => node.id === id)
  }

  async #add(id: NodeId, how: object, say: (event: Event) => void, settings: ChangeSettings): Promise<Outcome> {
    const { cluster, client } = this.#premises
    const before = this.#node(id)
    if (before?.condition === 'paused') throw new ConfigError(`${id} is paused; \`resume ${id}\` first`)
    if (before?.condition === 'dead') say(await cluster.faults.restart(id))
    const isNew = !before && !this.#premises.data?.holds(id)
    const { client: address, peer } = before ?? (await this.#start(id, say))
    const outcome = await changeMembers(
      client,
      { command: 'add_node', node: id, client: address, peer, ...how },
      settings,
    )
    if (outcome.outcome === 'done') await cluster.settled()
    else if (outcome.outcome === 'refused' && !before) await this.#dismiss(id, isNew)
    return outcome
  }

  async #start(id: NodeId, say: (event: Event) => void): Promise<Member> {
    const { cluster, host, basePort, above } = this.#premises
    const number = Number(/^n([1-9]\d?)$/.exec(id)?.[1])
    if (!number) throw new UsageError(`a node that is started here is called n1 to n99, not ${id}`)
    const onItsHost = cluster.hosts && localMember(number, id, basePort)
    const member = onItsHost ?? (await freeMember(localMember(number, host, basePort), host, above))
    await this.#premises.certify?.(member)
    say(await cluster.add(member))
    await this.remember()
    return member
  }

  /**
   * Ends a node that did not become a member. Its new folder is deleted; a folder that was there before is moved away.
   */
  async #dismiss(id: NodeId, isNew: boolean): Promise<void> {
    await this.#premises.cluster.remove(id)
    if (isNew) this.#premises.data?.discard(id)
    else this.#premises.data?.putAside(id)
    await this.remember()
  }

  /** Removes a member and ends its process. A node that is no longer a member has only its process ended. */
  async #remove(id: NodeId, force: object, say: (event: Event) => void, settings: ChangeSettings): Promise<Outcome> {
    const { cluster, client, data } = this.#premises
    if (!this.#node(id)) {
      const all = cluster.nodes().map((node) => node.id)
      throw new ConfigError(`there is no node ${id}; there are ${all.join(', ')}`)
    }
    const command = { command: 'remove_node', node: id, ...force }
    const asked = await changeMembers(client, command, settings)
    const outcome = isGone(command, asked) ? gone(asked) : asked
    if (outcome.outcome !== 'done') return outcome
    await cluster.remove(id)
    data?.putAside(id)
    await this.remember()
    say({ event: 'left', node: id, voters: outcome.answer.voters })
    return outcome
  }

  /** Writes the nodes and their addresses to the folder, for the next run. */
  async remember(): Promise<void> {
    const { cluster, data, basePort, name } = this.#premises
    const nodes = cluster.nodes().map(({ id, client, peer }) => ({ id, client, peer }))
    await data?.remember({ cluster: name, founded: cluster.isFounded, basePort, nodes })
  }
}
