import { replaced, type Stage, type StageTable, send, stage } from '../../../src/stage.js'
import { campaign } from '../../../stages/6-leader-election/campaign.js'
import { isUpToDate } from '../../../stages/6-leader-election/vote.js'
import { enterTerm, waitAnew } from '../../../stages/6-leader-election/voter.js'
import { stepDownWithoutQuorum } from '../../../stages/8-membership/check-quorum.js'
import { hearsLeader } from '../../../stages/8-membership/loyalty.js'
import { answerPreVote } from '../../../stages/10-production/answer-pre-vote.js'
import type { PreVote, PreVoteReply, ProductionMessage } from '../../../stages/10-production/messages.js'
import { askPreVotes, countPreVote, endQuestion } from '../../../stages/10-production/pre-vote.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import production from '../../../stages/10-production/stage.js'
import type { WrongRule } from './wrong-rule.js'

type Table = StageTable<ProductionNode, ProductionMessage>

export const right = production.table

export function replacing(rules: Partial<Table>): Stage {
  return stage<ProductionNode, ProductionMessage>({ ...right, ...rules })
}

/** A stage whose nodes ask before they stand by another rule. */
function asking(ask: (node: ProductionNode) => void): Stage {
  return replacing({ verbs: { ...right.verbs, campaign: ask } })
}

/** A stage whose nodes answer a pre-vote by another rule. */
function answering(answer: (node: ProductionNode, message: PreVote) => void): Stage {
  return replacing({ on: { ...right.on, PreVote: answer } })
}

/** A stage whose nodes count pre-votes by another rule. */
function counting(count: (node: ProductionNode, message: PreVoteReply) => void, rules: Partial<Table> = {}): Stage {
  return replacing({ ...rules, on: { ...right.on, PreVoteReply: count } })
}

/** Answers a pre-vote with a yes if `isGranted` says so, whatever the right rule says. */
function grantingIf(isGranted: (node: ProductionNode, message: PreVote) => boolean): Stage {
  return answering((node, message) => {
    const { from: to, round, nextTerm } = message
    if (nextTerm <= node.term || !isGranted(node, message)) return answerPreVote(node, message)
    const answer = { round, preVoteGranted: true, voterTerm: node.term, leader: null }
    send<PreVoteReply>(node, { type: 'PreVoteReply', from: node.id, to, ...answer })
  })
}

const hasGoodLog = ({ log }: ProductionNode, { lastLogIndex, lastLogTerm }: PreVote) =>
  isUpToDate({ index: lastLogIndex, term: lastLogTerm }, log.last)

/** Wrong ways to ask whether one would be elected. */
const wrongQuestions: readonly WrongRule[] = [
  {
    name: 'nobody-is-asked',
    what: 'a node stands for election without asking first: one that was cut off comes back with a high term',
    stage: asking(campaign),
    caught: { scenario: 'E16' },
  },
  {
    name: 'asking-raises-the-term',
    what: 'a node enters the next term when it asks: its term is high when it is back, and deposes the leader',
    stage: asking((node) => {
      askPreVotes(node)
      if (node.preVotes.granted) enterTerm(node, node.term + 1, null)
    }),
    caught: { scenario: 'E22' },
  },
  {
    name: 'a-refused-node-stands',
    what: 'a node counts every answer for a yes: it stands whenever it hears a majority, also one that has a leader',
    stage: counting((node, message) => countPreVote(node, { ...message, preVoteGranted: true, leader: null })),
    caught: { scenario: 'E20' },
  },
  {
    name: 'earlier-rounds-counted',
    what: 'a yes to an earlier question counts: the voter has heard a leader since, perhaps, and is disturbed',
    stage: counting((node, message) => countPreVote(node, { ...message, round: node.preVotes.round })),
    caught: {
      claim: 'an answer to an earlier question counts for nothing, nor does one to a question of an earlier life',
    },
  },
  {
    name: 'late-answers-counted',
    what: 'a question has no end: answers that come when a leader is heard again have the node depose it',
    stage: counting(
      (node, message) => {
        const { silentTicks } = node
        node.silentTicks = node.timing.electionTicks
        countPreVote(node, message)
        if (node.role !== 'candidate') node.silentTicks = silentTicks
      },
      { tick: replaced(right.tick, endQuestion) },
    ),
    caught: {
      claim:
        'an answer that comes late elects nobody: a leader was heard since, or another candidate got the vote (A10)',
    },
  },
  {
    name: 'hearsay-is-a-leader',
    what: 'a node that is told who leads takes that leader for heard: it keeps others from electing one, on hearsay',
    stage: counting((node, message) => {
      countPreVote(node, message)
      if (message.leader !== null && node.leader === message.leader) waitAnew(node)
    }),
    caught: {
      claim:
        'a leader of which a node was only told is not one that it hears: it would vote for another, and asks again',
    },
  },
  {
    name: 'hearsay-of-any-term',
    what: 'a node believes whatever leader it is told of, also of an earlier term, and sends its clients in circles',
    stage: counting((node, message) => countPreVote(node, { ...message, voterTerm: node.term })),
    caught: {
      claim:
        'a refusal tells the node who leads: it sends its clients there, if that is a leader of its term, and another node',
    },
  },
]

/** Wrong ways to answer. */
const wrongAnswers: readonly WrongRule[] = [
  {
    name: 'a-heard-leader-forgotten',
    what: 'a voter looks at the log only: a node that is back is told yes, though a leader is heard, and deposes it',
    stage: grantingIf((node, message) => node.role !== 'leader' && hasGoodLog(node, message)),
    caught: {
      claim:
        'a voter says no while it hears a leader, for the time of an election, and names the leader; so does the leader',
    },
  },
  {
    name: 'a-leader-says-yes',
    what: 'a leader that is asked says yes, as if it would vote against itself',
    stage: grantingIf((node, message) => node.role === 'leader' && hasGoodLog(node, message)),
    caught: {
      claim:
        'a voter says no while it hears a leader, for the time of an election, and names the leader; so does the leader',
    },
  },
  {
    name: 'any-log-is-good',
    what: 'a voter says yes to any log: the node stands, is refused, and has raised the term for nothing, again and again',
    stage: grantingIf((node) => !hearsLeader(node)),
    caught: {
      claim: 'a voter says no to a log that is not as good as its own: the later term wins, then the longer log',
    },
  },
  {
    name: 'asked-means-heard',
    what: 'who is asked begins its wait anew, as if it had voted: two nodes that ask in turn keep all others from standing',
    stage: answering((node, message) => {
      answerPreVote(node, message)
      waitAnew(node)
    }),
    caught: { claim: 'being asked starts no election timer anew, whatever the answer' },
  },
  {
    name: 'asked-enters-the-term',
    what: 'who is asked enters the term that the asker has in mind: a question deposes the leader',
    stage: answering((node, message) => {
      answerPreVote(node, message)
      if (message.nextTerm > node.term && node.role !== 'leader') enterTerm(node, message.nextTerm, null)
    }),
    caught: { claim: 'a node that is asked changes nothing: it enters no term, promises nothing, and writes nothing' },
  },
  {
    name: 'unknown-disks-say-yes',
    what: 'a node whose disk the members do not know says yes: it will not vote, and the asker stands for nothing',
    stage: grantingIf((node, message) => !node.log.admits(node.self) && hasGoodLog(node, message)),
    caught: { claim: 'a voter whose disk the members do not know says no, and its answer would not be counted (E10)' },
  },
  {
    name: 'old-terms-not-told',
    what: 'a node that asks for a term that is over is told nothing: alone with that voter it never gets any further',
    stage: answering((node, message) => {
      if (message.nextTerm > node.term) answerPreVote(node, message)
    }),
    caught: { claim: 'a node whose next term is over is told the term by now, and can be elected in a later one (A8)' },
  },
]

/** Wrong ways to find out that no majority follows. */
const wrongSteps: readonly WrongRule[] = [
  {
    name: 'deaf-leader-stays',
    what: 'a leader that has sent something counts as answered: one that is heard and does not hear stays, and commits nothing',
    stage: replacing({
      tick: replaced(right.tick, stepDownWithoutQuorum, (node) => {
        for (const [id, { sequence }] of node.progress) if (sequence > 0) node.heardAt.set(id, node.ticks)
        stepDownWithoutQuorum(node)
      }),
    }),
    caught: { scenario: 'E19' },
  },
  {
    name: 'lost-quorum-means-refused',
    what: 'a leader that steps down refuses what waits: the next leader may have the entries, and do what was refused',
    stage: replacing({
      tick: replaced(right.tick, stepDownWithoutQuorum, (node) => {
        const before = node.effects.replies.length
        stepDownWithoutQuorum(node)
        for (const reply of node.effects.replies.slice(before)) {
          if (!reply.answer.ok) Object.assign(reply.answer.error, { code: 'no_leader', definite: true })
        }
      }),
    }),
    caught: {
      claim:
        'a leader that no majority answers for the time of an election leads no more, and cannot know what becomes of it',
    },
  },
]

export const wrongPreVotes: readonly WrongRule[] = [...wrongQuestions, ...wrongAnswers, ...wrongSteps]
