import { equal, ok } from 'node:assert/strict'
import { type Answer, type Command, type Member, type NodeId, payloadOf, type Timing } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import type { Configuration } from '../../stages/8-membership/configuration.js'
import { memberList } from './core.js'
import { Cores, type Past, timing } from './cores.js'

export const seven = memberList(7)
const someOf = (ids: readonly NodeId[]) => seven.filter(({ id }) => ids.includes(id))
/** No snapshot is due. */
const never = { snapshotEntries: 1024 * 1024 }

/** Who the members are, as an entry of the log has it; each with the disk that it had first. */
export function membersAre(
  voters: readonly NodeId[],
  { outgoing = null, learners = [] }: { outgoing?: readonly NodeId[] | null; learners?: readonly NodeId[] } = {},
): Configuration {
  const servers = (ids: readonly NodeId[]) => someOf(ids).map((member) => ({ ...member, incarnation: member.id }))
  const parts = { voters: servers(voters), outgoing: outgoing && servers(outgoing), learners: servers(learners) }
  return { origin: 'n1', ...parts }
}

/** Seven nodes, of which none knows of any other, but for what is in their logs; the first of the founders founds. */
export function apart(
  stage: Stage,
  pasts: Readonly<Record<NodeId, Past>> = {},
  founders: readonly NodeId[] = [],
  limits: Partial<Timing> = {},
): Cores {
  return new Cores(stage, pasts, { ...never, ...limits }, { nodes: seven, members: [], founders: someOf(founders) })
}

/** A cluster that n1 leads, of nodes that have always been together; the others up to n7 are blank. */
export function together(
  stage: Stage,
  ids: readonly NodeId[],
  limits: Partial<Timing> = {},
  features: Readonly<Record<NodeId, readonly string[]>> = {},
): Cores {
  const world = { nodes: seven, members: someOf(ids), founders: [], features }
  const cores = new Cores(stage, {}, { ...never, ...limits }, world)
  cores.elect('n1', ids)
  pass(cores, timing.heartbeatTicks)
  return cores
}

/** The same log at all of these. */
export function alike(ids: readonly NodeId[], past: Past): Record<NodeId, Past> {
  return Object.fromEntries(ids.map((id) => [id, past]))
}

/** Time passes for these, and what they say to each other arrives; what they say to others is lost. */
export function pass(cores: Cores, ticks: number, among: readonly NodeId[] = cores.ids): void {
  for (let tick = 0; tick < ticks; tick++) {
    for (const id of among) cores.tick(id)
    cores.run(among)
  }
}

/** Time passes until something holds, and is found to hold before anything else arrives; what is in the air is lost. */
export function passUntil(cores: Cores, isSo: () => boolean, among: readonly NodeId[] = cores.ids): void {
  for (let tick = 0; tick < 40 * timing.electionTicks; tick++) {
    while (cores.air.length > 0 && !isSo()) {
      const [message] = cores.air.splice(0, 1)
      if (among.includes(message!.from) && among.includes(message!.to)) cores.receive(message!)
    }
    if (isSo()) return void cores.take()
    for (const id of among) cores.tick(id)
  }
  ok(isSo(), 'it comes about')
}

/** All nodes are connected with each other anew, and say which features they know. */
export function greetAll(cores: Cores): void {
  for (const from of cores.ids) for (const to of cores.ids) if (from !== to) cores.greet(from, to)
}

/** Ends a node, and starts it again with a release that knows these features. */
export function install(cores: Cores, id: NodeId, features: readonly string[]): void {
  cores.features.set(id, features)
  cores.crash(id)
  for (const to of cores.ids) if (to !== id) cores.greet(id, to)
}

/** Who counts, as a node has it: voters, the outgoing ones if there are any, and learners if there are any. */
export function counts(cores: Cores, id: NodeId): string {
  const { voters, outgoing, learners } = cores.status(id) as Readonly<Record<string, NodeId[] | undefined>>
  const of = (ids: NodeId[] | undefined) => [...(ids ?? [])].sort().join(' ')
  return `${of(voters)}${outgoing ? ` | ${of(outgoing)}` : ''}${learners ? ` + ${of(learners)}` : ''}`
}

export const addressesOf = (id: NodeId) => someOf([id])[0]!
export function adding(id: NodeId, moved: Partial<Member> = {}): Command {
  const { client, peer } = { ...addressesOf(id), ...moved }
  return { command: 'add_node', node: id, client, peer }
}
export const removing = (id: NodeId): Command => ({ command: 'remove_node', node: id })
/** Those that are no members yet are named with their addresses: that does no harm to the others. */
export const becoming = (...ids: NodeId[]): Command => ({
  command: 'reconfigure',
  voters: someOf(ids).map(({ id, client, peer }) => `${id}=${client}/${peer}`),
})

/** What an answer comes to: `ok`, the code of a refusal or of an unknown outcome, or null while there is none. */
export function outcome(answer: Answer | null): string | null {
  return answer && (answer.ok ? 'ok' : answer.error.code)
}

/** Asks for a change, and lets time pass until it is answered. @returns the answer's outcome */
export function change(cores: Cores, leader: NodeId, command: Command, among: readonly NodeId[] = cores.ids): string {
  const request = cores.request(leader, command)
  for (let tick = 0; tick < 40 * timing.electionTicks && !cores.answer(leader, request); tick++) pass(cores, 1, among)
  pass(cores, timing.heartbeatTicks, among)
  return outcome(cores.answer(leader, request)) ?? 'nothing'
}

/** Every configuration in a node's log, in order, with the disks that are meant. */
export function configurations(cores: Cores, id: NodeId): Configuration[] {
  const held = cores.onDisk(id).entries.map(payloadOf)
  return held.flatMap((one) => (one.kind === 'configuration' ? [one.configuration as Configuration] : []))
}

/** Whom a node is connected with. */
export function connected(cores: Cores, id: NodeId): NodeId[] {
  return (cores.connected(id) ?? []).map((peer) => peer.id).sort()
}

/** Somebody leads these, in a while. @returns who */
export function somebodyLeads(cores: Cores, among: readonly NodeId[]): NodeId {
  const leaders = among.filter((id) => cores.status(id).role === 'leader')
  equal(leaders.length, 1, `one of ${among.join(' ')} leads`)
  return leaders[0]!
}
