import { type Answer, isObject } from '../../src/contracts.js'
import { call } from '../1-client/call.js'
import type { Client } from '../1-client/client.js'
import { connected, disconnected } from '../1-client/link.js'
import { answeredDuringElection } from '../6-leader-election/follow-leader.js'

/**
 * Whoever is asked tells who the members are, so a client asks on every new connection. Otherwise the nodes that it was
 * named could be replaced one by one, and it would know of none that is left. Nodes of earlier stages refuse, once.
 */
export function connectedToMember(client: Client, address: string): void {
  connected(client, address)
  call(client, { command: 'members' }, { readOnly: true, at: address })
}

/** From an answer on, the voters that it names are whom the client turns to; also if a person had asked. */
export function answeredByMember(client: Client, address: string, id: unknown, answer: Answer): void {
  const asked = typeof id === 'number' ? client.calls.get(id) : undefined
  const isFor = asked?.sent && asked.address === address && asked.command.command === 'members'
  const voters = isFor && answer.ok ? votersIn(answer.members) : []
  if (voters.length > 0) client.addresses = voters
  answeredDuringElection(client, address, id, answer)
}

function votersIn(members: unknown): string[] {
  if (!Array.isArray(members)) return []
  return members.flatMap((member) =>
    isObject(member) && member.role === 'voter' && typeof member.client === 'string' ? [member.client] : [],
  )
}

/** If none of those that it knows of can be reached, the client tries those as well that it was named at first. */
export function disconnectedFromMember(client: Client, address: string, reason: string): void {
  const isLost = (other: string) => other === address || client.links.get(other)?.state === 'waiting'
  if (client.addresses.every(isLost))
    client.addresses = [...new Set([...client.addresses, ...client.options.addresses])]
  disconnected(client, address, reason)
}

/** What a client does otherwise than before. */
export const learnMembers = {
  connected: connectedToMember,
  answered: answeredByMember,
  disconnected: disconnectedFromMember,
}
