import type { Message } from '../../src/contracts.js'
import type { FactsAtGate } from '../../src/stage.js'
import type { LeaderConfirmed } from '../9-client-interaction/messages.js'
import { makeReady } from '../9-client-interaction/read.js'
import { countConfirmation, tellReadIndex } from '../9-client-interaction/read-index.js'
import type { ProductionNode } from './production-node.js'

/**
 * Ends a turn: while its lease runs, a leader answers reads without a round. Its voters hear no candidate for an
 * election time-out after they have confirmed it, so no other node can be elected before the lease ends. That holds only
 * if no clock runs much faster than another: it is an option, and ReadIndex needs no such assumption.
 */
export function readByLease(node: ProductionNode): void {
  if (!hasLease(node)) return
  makeReady(node, node.fresh, node.commitIndex)
  for (const [to, question] of node.askers) tellReadIndex(node, to, question, { readIndex: node.commitIndex })
  node.fresh = []
  node.askers.clear()
}

function hasLease({ role, term, lease, timing, machineClock }: ProductionNode): boolean {
  if (timing.leaseMs === 0 || role !== 'leader' || lease.term !== term || lease.barredIn === term) return false
  return machineClock.now() < lease.until
}

/** A leader that tells its successor to stand has no lease any more: voters will hear that candidate at once. */
export function endLease({ lease, term }: ProductionNode): void {
  lease.barredIn = term
}

/** Ends a turn: notes when a round began. Its questions have not left before that, so no voter was heard before it. */
export function noteRound({ lease, round, timing, machineClock }: ProductionNode): void {
  if (timing.leaseMs === 0 || !round || round.number === lease.round.number) return
  lease.round = { number: round.number, at: machineClock.now() }
}

/** A round that a majority has confirmed begins a lease, counted from the round's beginning. */
export function extendLease(node: ProductionNode, message: LeaderConfirmed): void {
  const { lease, round, timing } = node
  countConfirmation(node, message)
  const isConfirmed = round !== null && node.round === null && node.role === 'leader'
  if (!isConfirmed || round.number !== lease.round.number) return
  lease.term = node.term
  lease.until = lease.round.at + timing.leaseMs
}

/**
 * A node that has just started hears no candidate for an election time-out, where there are leases: it may have
 * confirmed a leader before it stopped, and does not remember it.
 */
export function letLeasesEnd({ ticks, timing }: ProductionNode, _message: Message, { kind }: FactsAtGate): boolean {
  return kind !== 'campaigns' || timing.leaseMs === 0 || ticks >= timing.electionTicks
}
