import type { Message, NodeId, Term } from '../../src/contracts.js'
import type { Doubt, FactsAtGate } from '../../src/stage.js'
import type { AppendEntriesConflict, AppendEntriesReply } from './messages.js'
import type { Replica } from './replica.js'

declare module '../../src/events.js' {
  interface EventDetails {
    message_refused: { from: NodeId; type: string; reason: string }
  }
}

/** Terms up to this one are believed: an election in every millisecond would need 34 years to reach it. */
const easilyReached = 2 ** 40

/**
 * Terms beyond `easilyReached` are believed up to this distance from the node's own: a node may have stood for election
 * alone for weeks.
 */
const leap = 1_000_000

/**
 * A message from a term far beyond this node's is doubted: each term is one more than some node had before it.
 * Believed, it would take all nodes to where no node can add one any more, and no election would ever end (§5.1).
 */
export function leapsAhead(node: Replica, { term }: Message & { readonly term: Term }): string | null {
  if (term <= Math.max(easilyReached, node.term + leap)) return null
  return `no node can have reached term ${term}: this one is in term ${node.term}`
}

type Answer = AppendEntriesReply | AppendEntriesConflict

/**
 * A follower answers only messages that the leader has sent it in this term: an answer to a later number is doubted.
 */
export function answersTheFuture(node: Replica, { from, term, sequence }: Answer): string | null {
  const sent = node.role === 'leader' && term === node.term ? node.progress.get(from)?.sequence : undefined
  return sent === undefined || sequence <= sent ? null : `it answers message ${sequence}, and was sent ${sent}`
}

/**
 * No follower's log matches the leader's beyond the leader's end: an entry counted there would be committed without
 * being there.
 */
export function matchesTooMuch(node: Replica, { term, matchIndex }: AppendEntriesReply): string | null {
  return isBeyond(node, term, matchIndex) ? `its log matches up to entry ${matchIndex}, ${endOf(node)}` : null
}

/** A follower refuses only entries that the leader has: a conflict beyond the leader's end is doubted. */
export function refusesTooMuch(node: Replica, { term, prevLogIndex }: AppendEntriesConflict): string | null {
  return isBeyond(node, term, prevLogIndex) ? `it refuses entry ${prevLogIndex}, ${endOf(node)}` : null
}

function isBeyond(node: Replica, term: Term, index: number): boolean {
  return node.role === 'leader' && term === node.term && index > node.log.last.index
}

const endOf = ({ log }: Replica) => `and the log of this leader ends at ${log.last.index}`

/** Doubts about each message: checks that no message of a correct node fails. */
export const replicationDoubts = {
  AppendEntries: [leapsAhead],
  AppendEntriesReply: [leapsAhead, answersTheFuture, matchesTooMuch],
  AppendEntriesConflict: [leapsAhead, answersTheFuture, refusesTooMuch],
}

/**
 * Pairs of sender and message type that are reported, each once, in a node's life: invented names must not fill the
 * memory.
 */
const maxDoubted = 64

/**
 * A message that cannot be true is dropped before another rule sees it; the first doubt that applies gives the reason.
 */
export function dropDoubtful(node: Replica, message: Message, { doubts }: FactsAtGate): boolean {
  for (const doubt of doubts as readonly Doubt<Replica, Message>[]) {
    const reason = doubt(node, message)
    if (reason === null) continue
    tellDoubt(node, message, reason)
    return false
  }
  return true
}

function tellDoubt({ doubted, effects }: Replica, { from, type }: Message, reason: string): void {
  const sender = from.slice(0, 64)
  const what = `${sender} ${type}`
  if (doubted.has(what) || doubted.size >= maxDoubted) return
  doubted.add(what)
  effects.events.push({ event: 'message_refused', from: sender, type, reason })
}
