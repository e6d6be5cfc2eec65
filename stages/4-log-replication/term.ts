import type { EntryId, Message, Term } from '../../src/contracts.js'
import { persist, type Replica } from './replica.js'

/**
 * A term is here one life of the leader. It adds one at each start: if its disk has lost entries that followers hold,
 * what it puts in their place must not look the same. The new term is on its disk before any message bears it.
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

/** Every message bears its sender's term. One from an earlier life of the leader is not heard any more. */
export function hearTerm(node: Replica, message: Message & { readonly term: Term }): boolean {
  if (message.term < node.term) return false
  if (message.term > node.term) {
    node.term = message.term
    persist(node, { record: 'term', term: node.term, votedFor: null })
  }
  return true
}
