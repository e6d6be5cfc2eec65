import { failure, type Refusal, type Term } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { sendAppend } from '../4-log-replication/replicate.js'
import { leaveClients } from '../6-leader-election/terms.js'
import { waitAnew } from '../6-leader-election/voter.js'
import { idsOf, isSame, stayingIn } from './configuration.js'
import type { Removed } from './messages.js'
import { connect, type Participant } from './participant.js'
import type { Change } from './volatile.js'

declare module '../../src/events.js' {
  interface EventDetails {
    retired: { term: Term }
  }
}

/** Gives a change up: its steps so far are undone, and the voters, and learners that stay, are as they were. */
export function giveUp(node: Participant, change: Change, refusal: Refusal): void {
  const { configuration } = node.log.configuration
  node.change = { ...change, voters: configuration.voters, learners: stayingIn(configuration), refusal }
}

export function finish(node: Participant, { requests, cancels, refusal }: Change): void {
  const { voters, learners } = node.log.configuration.configuration
  const done = { ok: true as const, voters: idsOf(voters), ...(learners.length > 0 && { learners: idsOf(learners) }) }
  for (const request of requests) node.effects.replies.push({ request, answer: refusal ?? done })
  for (const request of cancels) node.effects.replies.push({ request, answer: done })
  node.change = null
  connect(node)
}

/**
 * A node that leads no more forgets the change. The next leader goes on with the configuration in the log; what is not
 * in the log yet, a client has to ask for again.
 */
export function abandon(node: Participant, why = 'another leader was elected'): void {
  if (!node.change) return
  const answer = failure('leadership_lost', `${why}; the change may still happen`)
  const { requests, cancels } = node.change
  for (const request of [...requests, ...cancels]) node.effects.replies.push({ request, answer })
  node.change = null
}

/**
 * A leader that was removed has led until its removal was committed, without counting itself. With its last message it
 * tells the others that the removal is committed.
 */
export function retire(node: Participant): void {
  for (const to of node.progress.keys()) sendAppend(node, to, [])
  node.role = 'follower'
  node.leader = null
  node.isRemoved = !node.members.some((server) => isSame(server, node.self))
  waitAnew(node)
  node.effects.events.push({ event: 'retired', term: node.term })
  leaveClients(node, 'the leader was removed from the cluster; the command may still happen')
}

/**
 * Removed nodes are told once that they are. A removed node that has not heard it will ask for votes one day, and be
 * told then.
 */
export function tellDeparted(node: Participant): void {
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
