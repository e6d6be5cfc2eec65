import type { AwaitedStatus, Member, NodeId } from '../../src/contracts.js'
import { isHeard, isIntroduced, namedBy } from './change.js'
import { idsOf, membersOf } from './configuration.js'
import type { Participant } from './participant.js'

declare module '../../src/events.js' {
  interface EventDetails {
    waiting: Waited
    founding_waits: Waited
  }
}

interface Waited extends AwaitedStatus {
  readonly members: readonly NodeId[]
}

/** Election time-outs between two reports that a wait goes on. */
const reminder = 60

/**
 * A node that can do nothing before another node answers says so, once and then rarely. Without this report, a dead
 * founder or a misspelt address would be waited for in silence, for ever.
 */
export function tellWaiting(node: Participant): void {
  const awaited = awaitedBy(node)
  if (awaited.length === 0) {
    node.awaiting = null
    return
  }
  node.awaiting ??= { since: node.ticks, toldAt: null }
  const { since, toldAt } = node.awaiting
  const { electionTicks } = node.timing
  const due = toldAt === null ? since + 2 * electionTicks : toldAt + reminder * electionTicks
  if (node.ticks < due) return
  node.awaiting.toldAt = node.ticks
  const event = node.founding ? 'founding_waits' : 'waiting'
  node.effects.events.push({ event, members: idsOf(awaited), ...describeAwaited(node) })
}

/** The nodes without whose answer nothing goes on here. */
function awaitedBy(node: Participant): readonly Member[] {
  const { founding, founders, change, role, log, id: self } = node
  if (founding) return founders.filter(({ id }) => id !== self && !founding.has(id))
  if (role !== 'leader') return []
  const { index, configuration } = log.configuration
  if (configuration.outgoing || index > node.commitIndex)
    return membersOf(configuration).filter(({ id }) => id !== self && !isHeard(node, id))
  return change ? namedBy(change).filter((candidate) => !isIntroduced(candidate)) : []
}

/** Describes, for `info` and the event, which nodes are waited for, and for how many milliseconds so far. */
export function describeAwaited(node: Participant): AwaitedStatus {
  const awaited = awaitedBy(node).map(({ id, peer }) => ({ id, peer }))
  return { for: awaited, ms: (node.ticks - (node.awaiting?.since ?? node.ticks)) * node.timing.tickMs }
}

/** Describes the wait for the end of a sentence; empty where no node is waited for. */
export function describeWait(node: Participant): string {
  const awaited = awaitedBy(node).map(({ id, peer }) => `${id} at ${peer}`)
  const where = awaited.join(', ')
  const seconds = Math.floor(describeAwaited(node).ms / 1000)
  if (node.founding && awaited.length > 0)
    return `: this node founds the cluster when ${where} has answered; it has waited ${seconds} s`
  if (awaited.length > 0) return `; that waits for ${where}, ${seconds} s so far`
  const { voters, outgoing } = node.log.configuration.configuration
  if (node.role === 'leader' || node.leader !== null || !outgoing) return ''
  return `: half-way between two sets of voters, it takes a majority of ${idsOf(outgoing).join(', ')} and one of ${idsOf(voters).join(', ')}`
}
