import { failure, type Message, type NodeId, type Term } from '../../src/contracts.js'
import { type FactsAtGate, sendWhenDurable } from '../../src/stage.js'
import { heed } from '../5-heartbeats/silence.js'
import type { StaleTerm } from './messages.js'
import { enterTerm, type Voter, waitAnew } from './voter.js'

declare module '../../src/events.js' {
  interface EventDetails {
    deposed: { term: Term; by: Term }
  }
}

/** A leader or a candidate that asks in a term that is over is told which term it is by now (§5.1). */
export function tellStaleTerm(node: Voter, { from, term = node.term }: Message, { kind }: FactsAtGate): boolean {
  if (term < node.term && (kind === 'leads' || kind === 'campaigns')) tellTerm(node, from)
  return true
}

/**
 * Terms are the cluster's clock (§5.1). A node that hears of a later term enters it. A message of an earlier term is
 * not heard; a message without a term is heard in every term.
 */
export function observeTerm(node: Voter, { term = node.term }: Message): boolean {
  if (term > node.term) {
    if (node.role === 'leader') stepDown(node, term)
    node.role = 'follower'
    node.leader = null
    enterTerm(node, term, null)
  }
  return term === node.term
}

/** Tells a node that asks in a term that is over the term by now. */
export function tellTerm(node: Voter, to: NodeId): void {
  sendWhenDurable<StaleTerm>(node, { type: 'StaleTerm', from: node.id, to, term: node.term })
}

/**
 * A deposed leader cannot know what becomes of the entries that its clients wait for: the next leader may keep them, or
 * not.
 */
function stepDown(node: Voter, term: Term): void {
  waitAnew(node)
  node.effects.events.push({ event: 'deposed', term: node.term, by: term })
  leaveClients(node, 'another leader was elected; the command may still happen')
}

export function leaveClients(node: Voter, why: string): void {
  const answer = failure('leadership_lost', why)
  for (const { request } of node.waiting.values()) node.effects.replies.push({ request, answer })
  node.waiting.clear()
}

/**
 * A node leads this term. A candidate follows it, and keeps the vote that it gave itself: a term has one vote (§5.2).
 */
export function heedElected(node: Voter, message: Message): void {
  if (node.role === 'leader') throw new Error(`${message.from} leads term ${node.term}, and so does this node`)
  node.role = 'follower'
  heed(node, message)
  waitAnew(node)
}

/** StaleTerm needs no rule of its own: at the gate, {@link observeTerm} has entered the later term already. */
export function hearStaleTerm(): void {}
