import { failure, type Member, type NodeId, type RequestId } from '../../src/contracts.js'
import { isCaughtUp, isHeard, isIntroduced, namedBy, newChange } from './change.js'
import { appendConfiguration, changeVoters } from './change-voters.js'
import { type Configuration, isSame, type Learner, type Server, stayingIn, without } from './configuration.js'
import { abandon, giveUp, tellDeparted } from './end-change.js'
import { connect, type Participant } from './participant.js'
import type { Candidate, Change, Round } from './volatile.js'

/**
 * The leader goes from the present configuration to the wanted one, a step each time the last step is committed. It
 * takes none before an entry of its own term is committed: changes of single servers are unsafe without that rule, and
 * with joint entries it spares a change that the successor would take back. A leader elected in the middle of a change
 * finds the half-way configuration in its log, and goes on from there (§6).
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
  if (!isVoter && !node.change) node.retire()
}

/** The founder of a cluster is alone in it at first; then it takes in the nodes with which it was founded. */
function gather(node: Participant): void {
  const requests = node.foundingRequests.splice(0)
  if (node.founders.length === 1) return tellFounded(node, requests)
  const others = node.founders.filter(({ id }) => id !== node.id).map((member) => ({ ...member, incarnation: null }))
  const isAsked = requests.length > 0
  node.change = newChange(
    node,
    { voters: [node.self, ...others], learners: [] },
    { isForced: true, isFounding: !isAsked },
  )
  node.change.requests.push(...requests)
  connect(node)
}

function tellFounded(node: Participant, requests: readonly RequestId[]): void {
  for (const request of requests) node.effects.replies.push({ request, answer: { ok: true, voters: [node.id] } })
}

function step(node: Participant, change: Change, configuration: Configuration): void {
  const { voters, learners } = configuration
  const silent = namedBy(change).filter((candidate) => !isIntroduced(candidate))
  if (silent.length > 0) return awaitIntroduction(node, change, silent)
  const wanted = change.voters.filter(isIntroduced)
  const stay = change.learners.filter(isIntroduced).map((one): Learner => ({ ...one, stays: true }))
  const present = stayingIn(configuration)
  const newcomers = [...without(wanted, voters), ...without(stay, [...present, ...voters])]
  const replaced = voters.filter((one) => newcomers.some((other) => other.id === one.id && !isSame(other, one)))
  if (replaced.length > 0) return changeVoters(node, change, { voters: without(voters, replaced), learners: present })
  if (without(newcomers, learners).length > 0)
    return appendConfiguration(node, { voters, outgoing: null, learners: beside(present, newcomers) })
  const behind = newcomers.filter(({ id }) => !isCaughtUp(node, change, id))
  if (behind.length === 0) return changeVoters(node, change, { voters: wanted, learners: stay })
  const stuck = behind.filter(({ id }) => isStuck(node, change.rounds.get(id)))
  if (stuck.length > 0) giveUp(node, change, failure('not_caught_up', describeStuck(node, change, stuck)))
}

/** The learners while newcomers catch up: those that stay keep their places, and newcomers have none for good. */
function beside(present: readonly Learner[], newcomers: readonly Server[]): Learner[] {
  const kept = present.filter((one) => !newcomers.some((other) => other.id === one.id && !isSame(other, one)))
  return [
    ...kept,
    ...without(newcomers, kept).map(({ id, client, peer, incarnation }) => ({ id, client, peer, incarnation })),
  ]
}

/** Election time-outs for which a learner may make no progress: it may be reading a large snapshot. */
const patience = 10
/**
 * Rounds of catching up after which a newcomer is given up. If each takes longer than an election time-out, it will
 * never be near enough (thesis 4.2.1).
 */
const maxRounds = 10

function isStuck({ ticks, timing }: Participant, round: Round | undefined): boolean {
  return round !== undefined && (round.number > maxRounds || ticks - round.movedAt >= patience * timing.electionTicks)
}

function describeStuck({ timing }: Participant, { rounds }: Change, stuck: readonly Member[]): string {
  const ms = timing.electionTicks * timing.tickMs
  const why = stuck.map(({ id }) =>
    rounds.get(id)!.number > maxRounds
      ? `${id} is too slow: each of ${maxRounds} rounds of catching up took longer than ${ms} ms`
      : `${id} did not come any further`,
  )
  return `${why.join(', ')}; the voters stay as they were`
}

/**
 * The leader waits until each new voter has said who it is. A member moves once it no longer answers at its old
 * address; to ask at the new address before would cut a link that is needed.
 */
function awaitIntroduction(node: Participant, change: Change, silent: readonly Candidate[]): void {
  const { staying } = change
  for (const id of [...staying]) if (!isHeard(node, id)) leave(node, change, id)
  if (change.isFounding || node.ticks - change.askedAt < 2 * node.timing.electionTicks) return
  const rests = node.members.filter(({ id }) => staying.has(id))
  const why = rests.length > 0 ? describeResting(rests, change) : describeSilent(silent)
  giveUp(node, change, failure('not_caught_up', why))
}

function leave(node: Participant, change: Change, id: NodeId): void {
  change.staying.delete(id)
  change.askedAt = node.ticks
  connect(node)
}

function describeResting(rests: readonly Member[], change: Change): string {
  const there = rests.map(({ id, peer }) => {
    const { client: newClient, peer: newPeer } = namedBy(change).find((candidate) => candidate.id === id)!
    return `${id} answers at ${peer}, where it is a member; nothing was changed: stop it, start it at ${newClient} and ${newPeer}, and ask again`
  })
  return there.join('; ')
}

function describeSilent(silent: readonly Member[]): string {
  const where = silent.map(({ id, peer }) => `${id} at ${peer}`)
  return `no answer from ${where.join(', ')}: does it run, and with this cluster's name? nothing was changed`
}
