import { type Answer, failure, isObject } from '../../src/contracts.js'
import type { Call, Client } from '../1-client/client.js'
import { isSilent } from '../1-client/heard.js'
import { connected, disconnected } from '../1-client/link.js'
import { answeredDuringElection, elapsedDuringElection } from '../6-leader-election/follow-leader.js'

/**
 * A client greets every new connection with the question who the members are, and any node answers. Otherwise the
 * nodes first named to it could be replaced one by one, and it would know of none that is left. Nodes of earlier stages
 * refuse, once.
 */
export function connectedToMember(client: Client, address: string): void {
  connected(client, address, { command: 'members' })
}

/**
 * A client turns to the voters that an answer names, also if a person had asked for them. Removed nodes name each other
 * as leader, and none of them serves: then the client tries the addresses first named to it as well.
 */
export function answeredByMember(client: Client, address: string, id: unknown, answer: Answer): void {
  const asked = typeof id === 'number' ? client.calls.get(id) : undefined
  const call = asked?.sent && asked.address === address ? asked : undefined
  const voters = call?.command.command === 'members' && answer.ok ? votersIn(answer.members) : []
  if (voters.length > 0) client.addresses = voters
  const circle = call && !call.pinned ? circleOf(client, call, answer) : null
  const heard = circle ? failure('no_leader', circle) : answer
  if (!heard.ok && heard.error.code === 'no_leader') tryFirstNamed(client)
  answeredDuringElection(client, address, id, heard)
  if (call && circle) call.refusal = failure('not_leader', circle).error
}

/**
 * Nodes that name each other as leader have none, for the client: it goes on, after a pause, if it knows of another
 * node.
 *
 * @returns a text with the way of the call; null if the way is no circle, or no other node is known
 */
function circleOf({ addresses, options }: Client, { path, address }: Call, answer: Answer): string | null {
  if (answer.ok || answer.error.code !== 'not_leader') return null
  const named = String(answer.error.address)
  const isAsked = (other: string) => other === address || path.includes(other)
  if (!path.includes(named) || [...addresses, ...options.addresses].every(isAsked)) return null
  return `nodes name each other as leader: ${[...path, address, named].join(' → ')}`
}

function tryFirstNamed(client: Client): void {
  const { addresses, options } = client
  if (!options.addresses.every((address) => addresses.includes(address)))
    client.addresses = [...new Set([...addresses, ...options.addresses])]
}

function votersIn(members: unknown): string[] {
  if (!Array.isArray(members)) return []
  return members.flatMap((member) =>
    isObject(member) && member.role === 'voter' && typeof member.client === 'string' ? [member.client] : [],
  )
}

/** A client that can reach none of the nodes that it knows tries the addresses first named to it as well. */
export function disconnectedFromMember(client: Client, address: string, reason: string): void {
  if (client.addresses.every((other) => other === address || isLost(client, other))) tryFirstNamed(client)
  disconnected(client, address, reason)
}

/** The same for nodes that accept connections and say nothing: no connection breaks, and only time tells. */
function elapsedForMember(client: Client, now: number): void {
  client.now = now
  if (now >= client.wakeAt && client.addresses.every((address) => isLost(client, address))) tryFirstNamed(client)
  elapsedDuringElection(client, now)
}

function isLost(client: Client, address: string): boolean {
  const link = client.links.get(address)
  return link?.state === 'waiting' || isSilent(client, link)
}

/** The client's rules that this stage changes. */
export const learnMembers = {
  connected: connectedToMember,
  answered: answeredByMember,
  disconnected: disconnectedFromMember,
  elapsed: elapsedForMember,
}
