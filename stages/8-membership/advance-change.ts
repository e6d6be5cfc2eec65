import { failure, type Refusal } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { appendOwn } from '../4-log-replication/propose.js'
import { sendAppend } from '../4-log-replication/replicate.js'
import { leaveClients } from '../6-leader-election/terms.js'
import { waitAnew } from '../6-leader-election/voter.js'
import { type Change, isCaughtUp, isIntroduced, newChange } from './change.js'
import { type Configuration, commandOfConfiguration, idsOf, isSame, quorumOf, type Server } from './configuration.js'
import type { Removed } from './messages.js'
import { connect, followConfiguration, type Participant } from './participant.js'

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
  if (configuration.outgoing) return append(node, { ...configuration, outgoing: null })
  tellDeparted(node)
  if (!node.change && node.bootstrap && node.log.isFoundedBy(node.self)) gather(node)
  if (node.change) step(node, node.change, configuration)
  const isVoter = configuration.voters.some((server) => isSame(server, node.self))
  if (!isVoter && !node.change) retire(node)
}

/** The founder of a cluster is alone in it at first; then it takes in those with whom it was founded. */
function gather(node: Participant): void {
  if (node.founders.length === 1) return
  const others = node.founders.filter(({ id }) => id !== node.id).map((member) => ({ ...member, incarnation: null }))
  node.change = newChange([node.self, ...others], node.ticks, true)
  connect(node)
}

function step(node: Participant, change: Change, configuration: Configuration): void {
  const { voters } = change
  const silent = voters.filter((candidate) => !isIntroduced(candidate))
  if (silent.length > 0) return awaitIntroduction(node, change, idsOf(silent))
  const wanted = voters.filter(isIntroduced)
  const replaced = configuration.voters.filter((server) =>
    wanted.some((one) => one.id === server.id && !isSame(one, server)),
  )
  if (replaced.length > 0)
    return alter(
      node,
      change,
      configuration.voters.filter((server) => !replaced.includes(server)),
    )
  const newcomers = wanted.filter((server) => !configuration.voters.some((voter) => isSame(voter, server)))
  const strangers = newcomers.filter((server) => !configuration.learners.some((learner) => isSame(learner, server)))
  if (strangers.length > 0) return append(node, { ...configuration, learners: newcomers })
  const behind = newcomers.filter(({ id }) => !isCaughtUp(node, change, id))
  if (behind.length === 0) return alter(node, change, wanted)
  const stuck = behind.filter(
    ({ id }) => node.ticks - change.rounds.get(id)!.movedAt >= patience * node.timing.electionTicks,
  )
  if (stuck.length > 0) giveUp(node, change, failure('not_caught_up', `${list(stuck)} did not come any further`))
}

/** A newcomer may stand still for so many times the silence that is borne of a leader: it may be reading a large snapshot. */
const patience = 10
const list = (servers: readonly { readonly id: string }[]) => servers.map(({ id }) => id).join(', ')

function awaitIntroduction(node: Participant, change: Change, silent: readonly string[]): void {
  if (node.ticks - change.since < 2 * node.timing.electionTicks) return
  const where = change.voters.filter(({ id }) => silent.includes(id)).map(({ id, peer }) => `${id} at ${peer}`)
  const why = `no answer from ${where.join(', ')}: does it run, and with this cluster's name? nothing was changed`
  giveUp(node, change, failure('not_caught_up', why))
}

/** From these voters to those, through both (joint consensus, §6): so any set may follow any other. */
function alter(node: Participant, change: Change, voters: readonly Server[]): void {
  const { voters: present, learners } = node.log.configuration.configuration
  const isThere = present.length === voters.length && present.every((one) => voters.some((other) => isSame(one, other)))
  const hasMoved = voters.some(
    ({ id, client, peer }) =>
      !present.some((other) => other.id === id && other.client === client && other.peer === peer),
  )
  if (isThere && !hasMoved && learners.length === 0) return finish(node, change)
  if (isThere) return append(node, { voters, outgoing: null, learners: [] })
  if (!change.isForced && !isQuorumAlive(node, voters)) {
    const why = `too few of ${list(voters)} were heard lately to serve; \`force\` does it all the same`
    return giveUp(node, change, failure('quorum_at_risk', why))
  }
  const isVoter = (one: Server) => voters.some((voter) => isSame(voter, one))
  const stillToJoin = learners.filter((one) => !isVoter(one) && change.voters.some(({ id }) => id === one.id))
  append(node, { voters, outgoing: present, learners: stillToJoin })
}

/** Whether enough of these voters were heard lately: after the change they must be able to go on. */
function isQuorumAlive({ id: self, heardAt, ticks, timing }: Participant, voters: readonly Server[]): boolean {
  const isAlive = (id: string) =>
    id === self || ticks - (heardAt.get(id) ?? Number.NEGATIVE_INFINITY) < timing.electionTicks
  return quorumOf({ voters, outgoing: null, learners: [] }).has(new Set(idsOf(voters).filter(isAlive)))
}

/** What is appended is in force. */
function append(node: Participant, configuration: Configuration): void {
  const { outgoing } = node.log.configuration.configuration
  appendOwn(node, commandOfConfiguration(configuration))
  const departed = (outgoing ?? []).filter(
    ({ id }) => configuration.outgoing === null && !idsOf(configuration.voters).includes(id),
  )
  if (departed.length > 0) node.departed = { servers: departed, toldAt: null }
  const { voters, learners } = configuration
  const joint = configuration.outgoing ? { outgoing: idsOf(configuration.outgoing) } : {}
  node.effects.events.push({ event: 'members', voters: idsOf(voters), ...joint, learners: idsOf(learners) })
  followConfiguration(node)
}

/** Those that are members no more are told once; who has not heard it will ask for votes one day, and be told then. */
function tellDeparted(node: Participant): void {
  const { departed, ticks, log } = node
  if (departed?.toldAt === null) {
    departed.toldAt = ticks
    for (const { id: to } of departed.servers)
      send<Removed>(node, { type: 'Removed', from: node.id, to, index: log.configuration.index })
  } else if (departed && ticks - departed.toldAt >= node.timing.electionTicks) {
    node.departed = null
    connect(node)
  }
}

/** What was begun is undone: the voters stay as they are, and nobody learns any more. */
function giveUp(node: Participant, change: Change, refusal: Refusal): void {
  node.change = { ...change, voters: node.log.configuration.configuration.voters, refusal }
}

function finish(node: Participant, { requests, refusal }: Change): void {
  const answer = refusal ?? { ok: true as const, voters: idsOf(node.log.configuration.configuration.voters) }
  for (const request of requests) node.effects.replies.push({ request, answer })
  node.change = null
  connect(node)
}

/** A leader that was removed has led until that was committed, without counting itself; what it says last is that. */
function retire(node: Participant): void {
  for (const to of node.progress.keys()) sendAppend(node, to, [])
  node.role = 'follower'
  node.leader = null
  node.isRemoved = true
  waitAnew(node)
  node.effects.events.push({ event: 'retired', term: node.term })
  leaveClients(node, 'the leader was removed from the cluster; the command may still happen')
}

/** The next leader will go on with what is in the log; what is only here, somebody has to ask for again. */
function abandon(node: Participant): void {
  if (!node.change) return
  const answer = failure('leadership_lost', 'another leader was elected; the change may still happen')
  for (const request of node.change.requests) node.effects.replies.push({ request, answer })
  node.change = null
}
