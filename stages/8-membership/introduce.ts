import { send } from '../../src/stage.js'
import { isIntroduced } from './change.js'
import type { Introduce, Introduction } from './messages.js'
import type { Participant } from './participant.js'

/** A leader asks those that it is to take in who they are, as often as a heartbeat, until they have said it. */
export function introduceNewcomers(node: Participant): void {
  if (node.role !== 'leader' || !node.change || node.ticks % node.timing.heartbeatTicks !== 0) return
  for (const candidate of node.change.voters)
    if (!isIntroduced(candidate)) send<Introduce>(node, { type: 'Introduce', from: node.id, to: candidate.id })
}

/** Whoever asks, belongs to a cluster of this name: the network has seen to that. */
export function introduceSelf(node: Participant, { from: to }: Introduce): void {
  const { incarnation } = node.self
  send<Introduction>(node, { type: 'Introduction', from: node.id, to, incarnation })
}

export function learnIncarnation(node: Participant, { from, incarnation }: Introduction): void {
  if (node.role !== 'leader' || !node.change) return
  const voters = node.change.voters.map((one) =>
    one.id === from && !isIntroduced(one) ? { ...one, incarnation } : one,
  )
  node.change = { ...node.change, voters }
}
