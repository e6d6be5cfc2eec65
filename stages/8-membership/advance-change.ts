import { failure, type RequestId } from '../../src/contracts.js'
import { type Change, isCaughtUp, isIntroduced, newChange } from './change.js'
import { appendConfiguration, changeVoters } from './change-voters.js'
import { type Configuration, idsOf, isSame, without } from './configuration.js'
import { abandon, giveUp, retire, tellDeparted } from './end-change.js'
import { connect, type Participant } from './participant.js'

/**
 * Leads from the configuration that there is to the one that is asked for, a step each time the last is committed, and
 * none before an entry of the leader's own term is: otherwise two leaders could change different configurations, and
 * their majorities need not meet. Whoever comes to lead in the middle finds the half-way configuration in its log, and
 * goes on from there (§6).
 */
export function advanceChange(node: Participant): void {
  if (node.role !== 'leader') return abandon(node)
  const { index, configuration } = node.log.configuration
  if (index > node.commitIndex || node.log.termAt(node.commitIndex) !== node.term) return
  if (configuration.outgoing) return appendConfiguration(node, { ...configuration, outgoing: null })
  tellDeparted(node)
  if (!node.change && node.isFounder && node.log.isFoundedBy(node.self)) gather(node)
  if (node.change) step(node, node.change, configuration)
  const isVoter = configuration.voters.some((server) => isSame(server, node.self))
  if (!isVoter && !node.change) retire(node)
}

/** The founder of a cluster is alone in it at first; then it takes in those with whom it was founded. */
function gather(node: Participant): void {
  const requests = node.foundingRequests.splice(0)
  if (node.founders.length === 1) return tellFounded(node, requests)
  const others = node.founders.filter(({ id }) => id !== node.id).map((member) => ({ ...member, incarnation: null }))
  node.change = newChange([node.self, ...others], node.ticks, true)
  node.change.requests.push(...requests)
  connect(node)
}

function tellFounded(node: Participant, requests: readonly RequestId[]): void {
  for (const request of requests) node.effects.replies.push({ request, answer: { ok: true, voters: [node.id] } })
}

function step(node: Participant, change: Change, { voters, learners }: Configuration): void {
  const silent = change.voters.filter((candidate) => !isIntroduced(candidate))
  if (silent.length > 0) return awaitIntroduction(node, change, idsOf(silent))
  const wanted = change.voters.filter(isIntroduced)
  const newcomers = without(wanted, voters)
  const replaced = voters.filter(({ id }) => idsOf(newcomers).includes(id))
  if (replaced.length > 0) return changeVoters(node, change, without(voters, replaced))
  if (without(newcomers, learners).length > 0)
    return appendConfiguration(node, { voters, outgoing: null, learners: newcomers })
  const behind = newcomers.filter(({ id }) => !isCaughtUp(node, change, id))
  if (behind.length === 0) return changeVoters(node, change, wanted)
  const bearable = patience * node.timing.electionTicks
  const stuck = behind.filter(({ id }) => node.ticks - change.rounds.get(id)!.movedAt >= bearable)
  if (stuck.length === 0) return
  giveUp(node, change, failure('not_caught_up', `${idsOf(stuck).join(', ')} did not come any further`))
}

/** A newcomer may stand still for so many times the silence that is borne of a leader: it may be reading a large snapshot. */
const patience = 10

function awaitIntroduction(node: Participant, change: Change, silent: readonly string[]): void {
  if (node.ticks - change.since < 2 * node.timing.electionTicks) return
  const where = change.voters.filter(({ id }) => silent.includes(id)).map(({ id, peer }) => `${id} at ${peer}`)
  const why = `no answer from ${where.join(', ')}: does it run, and with this cluster's name? nothing was changed`
  giveUp(node, change, failure('not_caught_up', why))
}
