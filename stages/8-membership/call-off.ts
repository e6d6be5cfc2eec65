import { failure, type Refusal, type Request } from '../../src/contracts.js'
import { isIntroduced } from './change.js'
import { appendConfiguration } from './change-voters.js'
import { idsOf, isSame, stayingIn } from './configuration.js'
import { giveUp } from './end-change.js'
import type { Participant } from './participant.js'
import { refuse, refuseElsewhere } from './refuse.js'
import type { Change } from './volatile.js'

const cancelled = failure('change_cancelled', 'an operator called the change off; the voters stay as they were')

/** Calls off the change under way. The answer comes when the steps taken so far are undone. */
export function cancelChange(node: Participant, request: Request): void {
  if (node.role !== 'leader') return refuseElsewhere(node, request)
  const { index, configuration } = node.log.configuration
  const { change } = node
  if (!change && !configuration.outgoing && index <= node.commitIndex)
    return refuse(node, request, failure('bad_request', 'no change of members is under way'))
  if (!change || !canStillEnd(node, change))
    return refuse(node, request, failure('change_in_progress', describeTooLate(node)))
  change.cancels.push(request.id)
  if (change.isFounding) node.isFounder = false
  if (change.refusal) return
  if (configuration.outgoing) goBack(node, cancelled)
  else giveUp(node, change, cancelled)
}

/**
 * Checks whether the voters can still stay as they were: the new voters do not count yet, or this leader can take them
 * back.
 */
export function canStillEnd(node: Participant, { voters, learners, refusal }: Change): boolean {
  const { configuration } = node.log.configuration
  if (refusal) return true
  if (configuration.outgoing) return canGoBack(node)
  const isThere = voters.every((one) => isIntroduced(one) && configuration.voters.some((other) => isSame(one, other)))
  const present = stayingIn(configuration)
  const areThere = learners.every((one) => isIntroduced(one) && present.some((other) => isSame(one, other)))
  return !isThere || !areThere || voters.length < configuration.voters.length || learners.length < present.length
}

function describeTooLate(node: Participant): string {
  const { configuration } = node.log.configuration
  const voters = idsOf(configuration.voters).join(', ')
  return `the voters are as good as ${voters}: wait until they are, and ask for another change then`
}

/**
 * Checks whether the leader can turn back from the half-way configuration. It can only while that entry is its own and
 * not known to be committed: behind any other, an earlier leader may have let the old voters go.
 */
export function canGoBack({ log, commitIndex, term }: Participant): boolean {
  const { index, configuration } = log.configuration
  return configuration.outgoing !== null && index > commitIndex && log.termAt(index) === term
}

/**
 * Goes back to the old voters alone. Every majority of the half-way configuration has a majority of the old voters in
 * it, so no two majorities can act apart.
 */
export function goBack(node: Participant, refusal: Refusal): void {
  const { index, configuration } = node.log.configuration
  const before = node.log.configurationAt(index - 1).configuration
  appendConfiguration(node, { voters: configuration.outgoing!, outgoing: null, learners: stayingIn(before) })
  if (node.change) giveUp(node, node.change, refusal)
}
