import { failure } from '../../../src/contracts.js'
import { replaced, type Stage } from '../../../src/stage.js'
import { majority } from '../../../stages/2-naive-replication/quorum.js'
import { leadWithEntry } from '../../../stages/6-leader-election/campaign.js'
import { goBack } from '../../../stages/8-membership/call-off.js'
import { isHeard } from '../../../stages/8-membership/change.js'
import { stepDownWithoutQuorum } from '../../../stages/8-membership/check-quorum.js'
import { idsOf } from '../../../stages/8-membership/configuration.js'
import { noteHeard } from '../../../stages/8-membership/disks.js'
import type { Participant } from '../../../stages/8-membership/participant.js'
import { replacing, right } from './8-membership.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose leaders step down by another rule. */
function steppingDown(stepDown: (node: Participant) => void): Stage {
  return replacing({ tick: replaced(right.tick, stepDownWithoutQuorum, stepDown) })
}

const heardOf = (node: Participant, ids: readonly string[]) =>
  new Set(ids.filter((id) => id === node.id || isHeard(node, id)))

/** Wrong ways for a leader to find out that no majority follows it. */
export const wrongQuorums: readonly WrongRule[] = [
  {
    name: 'leads-without-a-majority',
    what: 'a leader that no majority answers leads on: one follower that hears it turns every candidate away',
    stage: steppingDown(() => {}),
    caught: { scenario: 'E17' },
  },
  {
    name: 'learners-keep-a-leader',
    what: 'whoever answers keeps a leader in office, also who has no vote: nothing is committed, and nobody elected',
    stage: steppingDown((node) => {
      const { voters, learners } = node.log.configuration.configuration
      if (heardOf(node, idsOf([...voters, ...learners])).size * 2 <= voters.length) stepDownWithoutQuorum(node)
    }),
    caught: { claim: 'learners keep nobody in office' },
  },
  {
    name: 'asked-is-answered',
    what: 'whom a leader has sent something counts as heard: it leads on, though nothing of it has arrived',
    stage: steppingDown((node) => {
      for (const [id, { sequence }] of node.progress) if (sequence > 0) node.heardAt.set(id, node.ticks)
      stepDownWithoutQuorum(node)
    }),
    caught: {
      claim:
        'a leader that no majority answers for the time of an election leads no more, and cannot know what becomes of it',
    },
  },
  {
    name: 'any-word-is-an-answer',
    what: 'whoever says anything counts as heard: those that ask for votes hear nothing, and keep the leader that they replace',
    stage: replacing({
      gate: replaced(right.gate, noteHeard, (node, { from }) => {
        node.heardAt.set(from, node.ticks)
        return true
      }),
    }),
    caught: { claim: 'what others say unasked is no answer: they may be heard, and hear nothing' },
  },
  {
    name: 'one-majority-keeps-a-leader',
    what: 'half-way between two sets of voters one majority keeps a leader in office, and it can commit nothing',
    stage: steppingDown((node) => {
      const { voters, outgoing } = node.log.configuration.configuration
      const sets = [voters, outgoing ?? voters].map(idsOf)
      if (!sets.some((ids) => majority(ids).has(heardOf(node, ids)))) stepDownWithoutQuorum(node)
    }),
    caught: { claim: 'half-way between two sets of voters a leader needs a majority of each to answer' },
  },
  {
    name: 'silence-before-the-election-counts',
    what: 'a new leader counts how long others were silent before its election: it steps down before anybody can answer',
    stage: replacing({
      verbs: {
        ...right.verbs,
        lead(node) {
          leadWithEntry(node)
          node.quorumSince = Number.NEGATIVE_INFINITY
        },
      },
    }),
    caught: { claim: 'the time of a leader begins with its election, however long before that its voters were heard' },
  },
  {
    name: 'lone-leader-steps-down',
    what: 'a leader does not count itself: who is the only voter steps down again and again',
    stage: steppingDown((node) => {
      const others = node.members.filter(({ id }) => id !== node.id)
      const isNew = node.ticks - node.quorumSince < node.timing.electionTicks
      if (!isNew && heardOf(node, idsOf(others)).size === 0) {
        node.role = 'follower'
        node.leader = null
      } else stepDownWithoutQuorum(node)
    }),
    caught: { claim: 'who is the only voter leads, however long nobody answers' },
  },
  {
    name: 'left-open-is-refused',
    what: 'a leader that steps down refuses what waits: it may be committed all the same, by the next leader',
    stage: steppingDown((node) => {
      const before = node.effects.replies.length
      stepDownWithoutQuorum(node)
      const added = node.effects.replies.splice(before)
      const answer = failure('no_leader', 'nobody leads')
      node.effects.replies.push(...added.map(({ request }) => ({ request, answer })))
    }),
    caught: {
      claim:
        'a leader that no majority answers for the time of an election leads no more, and cannot know what becomes of it',
    },
  },
  {
    name: 'back-from-what-others-began',
    what: 'a leader takes back a step that an earlier one had begun, which may have let the old voters go already',
    stage: steppingDown((node) => {
      const { configuration } = node.log.configuration
      const isSilent = node.role === 'leader' && !node.quorum.has(heardOf(node, idsOf(node.members)))
      const isNew = node.ticks - node.quorumSince < node.timing.electionTicks
      if (isSilent && !isNew && configuration.outgoing) goBack(node, failure('quorum_at_risk', 'back'))
      else stepDownWithoutQuorum(node)
    }),
    caught: { claim: 'half-way between two sets of voters a leader needs a majority of each to answer' },
  },
]
