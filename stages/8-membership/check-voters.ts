import { limits, type Member, plainAddress } from '../../src/contracts.js'
import { idsOf, membersOf } from './configuration.js'
import type { Participant } from './participant.js'

/** Explains why a cluster cannot have these members, whatever else happens in it; null if it can. */
export function problemWith(
  node: Participant,
  voters: readonly Member[],
  learners: readonly Member[] = [],
): string | null {
  const present = membersOf(node.log.configuration.configuration)
  const ids = idsOf(voters)
  if (ids.length === 0) return 'a cluster has one voter at least'
  if (ids.length > limits.voters) return `a cluster has ${limits.voters} voters at most`
  const twice = ids.find((id, at) => ids.indexOf(id) < at)
  if (twice !== undefined) return `${twice} is named twice, and counts once`
  if (learners.length > limits.voters) return `a cluster has ${limits.voters} learners at most`
  const all = [...voters, ...learners]
  for (const one of all.filter((member) => !present.some((other) => isSamePlace(member, other)))) {
    const problem = moved(node, one) ?? clash(one, [...all, ...present])
    if (problem) return problem
  }
  return null
}

const isSamePlace = (one: Member, other: Member) =>
  one.id === other.id && one.client === other.client && one.peer === other.peer

/** A leader knows its own addresses: it cannot be at others before it has been started there. */
function moved({ self }: Participant, voter: Member): string | null {
  if (voter.id !== self.id || isSamePlace(voter, self)) return null
  return `${self.id} leads, and listens at ${self.client} and ${self.peer}: start it at the new addresses, and ask again`
}

/** Finds two nodes at one address: clients and peers would take one for the other. */
function clash({ id, client, peer }: Member, others: readonly Member[]): string | null {
  if (plainAddress(client) === plainAddress(peer)) return `${id} needs two addresses, and ${client} is both`
  for (const address of [client, peer]) {
    const owner = others.find((other) => other.id !== id && addressesOf(other).includes(plainAddress(address)))
    if (owner) return `${address} is an address of ${owner.id}: give ${id} another, or remove ${owner.id} first`
  }
  return null
}

const addressesOf = ({ client, peer }: Member) => [plainAddress(client), plainAddress(peer)]
