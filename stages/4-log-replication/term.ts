import { type EntryId, isPositive, type Message, type Term } from '../../src/contracts.js'
import { persist, type Replica } from './replica.js'

/** The last term that a message may bear: behind it there is room for every node to go on adding. */
const lastTerm = 2 ** 52

export function isTerm(candidate: unknown): candidate is Term {
  return isPositive(candidate) && candidate <= lastTerm
}

/**
 * A term is here one life of the leader. The leader adds one at each start: if its disk has lost entries that followers
 * hold, the entries in their place must not look the same. The new term is on its disk before any message bears it.
 */
export function beginTerm(node: Replica): void {
  if (node.leader !== node.id) return
  node.term++
  persist(node, { record: 'term', term: node.term, votedFor: null })
}

/** The disk has the leader's new term: now it leads. */
export function takeOffice(node: Replica, _upTo: EntryId): void {
  if (node.leader === node.id) node.role = 'leader'
}

/** Every message bears its sender's term. A message from an earlier life of the leader is not heard any more. */
export function hearTerm(node: Replica, { term = node.term }: Message): boolean {
  if (term < node.term) return false
  if (term > node.term) {
    node.term = term
    persist(node, { record: 'term', term: node.term, votedFor: null })
  }
  return true
}
