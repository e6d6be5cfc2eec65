import { inOrder, replaced, type Stage, send } from '../../../src/stage.js'
import { heedElected } from '../../../stages/6-leader-election/terms.js'
import { retire } from '../../../stages/8-membership/end-change.js'
import { beLoyal } from '../../../stages/8-membership/loyalty.js'
import { askReadIndex } from '../../../stages/9-client-interaction/ask-read-index.js'
import { endSessions } from '../../../stages/9-client-interaction/end-sessions.js'
import { leaveReads } from '../../../stages/9-client-interaction/read-index.js'
import interaction from '../../../stages/9-client-interaction/stage.js'
import { giveUpHandover, handOver } from '../../../stages/10-production/hand-over.js'
import { endSessionsUnlessLeaving } from '../../../stages/10-production/hold.js'
import type { TimeoutNow } from '../../../stages/10-production/messages.js'
import type { Handover, ProductionNode } from '../../../stages/10-production/production-node.js'
import { askReadIndexOfSuccessor, leaveReadsToSuccessor } from '../../../stages/10-production/reads-in-between.js'
import { hearSuccessor, standAtOnce } from '../../../stages/10-production/stand-at-once.js'
import { callOffToLeave } from '../../../stages/10-production/transfer-leader.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose leaders hand over by another rule. */
function handing(hand: (node: ProductionNode) => void): Stage {
  return replacing({ turn: replaced(right.turn, handOver, hand) })
}

/** A stage whose hand-overs end by another rule. */
function giving(giveUp: (node: ProductionNode) => void): Stage {
  return replacing({ tick: replaced(right.tick, giveUpHandover, giveUp) })
}

/** A stage whose nodes do something else when they are told to stand. */
function standing(stand: (node: ProductionNode, message: TimeoutNow) => void): Stage {
  return replacing({ on: { ...right.on, TimeoutNow: inOrder(heedElected, stand) } })
}

function tell(node: ProductionNode, handover: Handover, to = handover.to.id): void {
  const { id: from, term, log } = node
  handover.isTold = true
  handover.since = node.ticks
  send<TimeoutNow>(node, { type: 'TimeoutNow', from, to, term, lastLogIndex: log.last.index })
}

const isUntold = ({ role, term, handover }: ProductionNode) =>
  role === 'leader' && handover?.term === term && !handover.isTold

/** Wrong ways for a leader to hand over. */
const wrongHandovers: readonly WrongRule[] = [
  {
    name: 'told-before-it-is-there',
    what: 'the successor is told before it has all entries: it is not elected, and the leader is deposed for nothing',
    stage: handing((node) => {
      if (isUntold(node)) tell(node, node.handover!)
      handOver(node)
    }),
    caught: { claim: 'step 2: the successor is told only when it has all entries on its disk, and all are committed' },
  },
  {
    name: 'told-again-and-again',
    what: 'the successor is told once each turn until it has taken over: each message is another election',
    stage: handing((node) => {
      const { handover } = node
      handOver(node)
      if (handover?.isTold && node.handover === handover && node.role === 'leader') tell(node, handover)
    }),
    caught: { claim: 'step 3: the successor is told once, however long it says nothing' },
  },
  {
    name: 'two-successors',
    what: 'two nodes are told to stand, to be sure that one does: they take each other’s votes, and nobody is elected',
    stage: handing((node) => {
      const { handover } = node
      const wasTold = handover?.isTold
      handOver(node)
      const other = node.peers.find((id) => id !== handover?.to.id)
      if (handover?.isTold && !wasTold && other) tell(node, handover, other)
    }),
    caught: { claim: 'step 2: the successor is told only when it has all entries on its disk, and all are committed' },
  },
  {
    name: 'no-end-to-a-handover',
    what: 'a leader waits for its successor without an end: a dead one stops all writes for good',
    stage: giving(() => {}),
    caught: { scenario: 'T2' },
  },
  {
    name: 'told-means-refused',
    what: 'a hand-over whose successor was told and is not heard is refused: it may take over a moment later',
    stage: giving((node) => {
      const before = node.effects.replies.length
      giveUpHandover(node)
      for (const { answer } of node.effects.replies.slice(before))
        if (!answer.ok) Object.assign(answer.error, { code: 'transfer_failed', definite: true })
    }),
    caught: { claim: 'and as much again until it is elected: then the outcome is unknown, and the leader goes on' },
  },
  {
    name: 'held-requests-dropped',
    what: 'what clients asked during a hand-over is forgotten at its end: they wait for an answer that never comes',
    stage: giving((node) => {
      const { handover } = node
      if (handover && node.ticks - handover.since >= node.timing.electionTicks) handover.held.length = 0
      giveUpHandover(node)
    }),
    caught: {
      claim: 'a hand-over takes the time of an election at most, until the successor is told, and the leader goes on',
    },
  },
  {
    name: 'writes-taken-meanwhile',
    what: 'a leader that hands over takes writes: the successor never reaches the end of the log while clients write',
    stage: replacing({ requests: { ...right.requests, write: interaction.table.requests.write } }),
    caught: { claim: 'step 1: no entry is added meanwhile, and what clients ask is done by the successor' },
  },
  {
    name: 'changes-taken-meanwhile',
    what: 'a leader that hands over begins a change of members: its steps are entries, and the successor lacks them',
    stage: replacing({ requests: { ...right.requests, add_node: interaction.table.requests.add_node! } }),
    caught: { claim: 'step 1: no entry is added meanwhile, and what clients ask is done by the successor' },
  },
  {
    name: 'sessions-end-meanwhile',
    what: 'a leader that hands over ends sessions: the entry comes behind the one at which the successor was told to stand',
    stage: replacing({ tick: replaced(right.tick, endSessionsUnlessLeaving, endSessions) }),
    caught: { claim: 'a leader that hands over ends no session: that would be an entry' },
  },
  {
    name: 'reads-refused-in-between',
    what: 'reads that wait when the leader hands over are refused: a planned restart is seen by clients',
    stage: replacing({
      turn: replaced(replaced(right.turn, leaveReadsToSuccessor, leaveReads), askReadIndexOfSuccessor, askReadIndex),
    }),
    caught: { claim: 'reads are answered meanwhile, and what is left is answered with the help of the successor' },
  },
  {
    name: 'removed-leader-just-leaves',
    what: 'a leader that is removed leaves at once: the cluster waits for an election time-out, and so do its clients',
    stage: replacing({ verbs: { ...right.verbs, retire } }),
    caught: { claim: 'a leader that is removed hands over instead of leaving a gap' },
  },
]

/** Wrong ways to be the successor, and to hear it. */
const wrongSuccessors: readonly WrongRule[] = [
  {
    name: 'late-word-followed',
    what: 'a node that is told to stand stands whenever the word comes: the leader has gone on long since, and is deposed',
    stage: standing((node, message) => standAtOnce(node, { ...message, lastLogIndex: node.log.last.index })),
    caught: { claim: 'a message to the successor that comes late, when the leader has gone on, is not followed' },
  },
  {
    name: 'successor-asks-first',
    what: 'a node that is told to stand asks first whether it would be elected: all hear the old leader still, and say no',
    stage: standing((node) => node.campaign()),
    caught: {
      claim:
        'a leader that is asked hands over to the voter that is named: it leads the next term, and the client hears so',
    },
  },
  {
    name: 'loyal-to-the-one-who-leaves',
    what: 'voters stand by the leader that they hear, also against the successor that it has named: nobody is elected',
    stage: replacing({
      gate: replaced(right.gate, hearSuccessor, (node, message, facts) =>
        beLoyal(node, message, facts.kind === 'succeeds' ? { ...facts, kind: 'campaigns' } : facts),
      ),
    }),
    caught: {
      claim: 'the voters hear the successor although they hear its leader, and no other candidate (thesis 4.2.3)',
    },
  },
  {
    name: 'removed-successor-heard',
    what: 'whoever says that it succeeds is heard, also a node that was removed since: it deposes the leader',
    stage: replacing({ gate: replaced(right.gate, hearSuccessor) }),
    caught: { claim: 'a successor that was removed since is not heard: it would depose the leader' },
  },
]

/** Wrong ways to be stopped in the middle of a change of members. */
const wrongStops: readonly WrongRule[] = [
  {
    name: 'stopped-in-mid-change',
    what: 'a leader that is stopped during a change does not hand over: the cluster waits for an election time-out',
    stage: replacing({
      requests: {
        ...right.requests,
        transfer_leader: (node, request) =>
          right.requests.transfer_leader!(node, { ...request, command: { ...request.command, isLeaving: false } }),
      },
    }),
    caught: {
      claim: 'a leader that is being stopped hands over when the change that is in its log is done (§6, thesis §3.10)',
    },
  },
  {
    name: 'newcomer-waited-for',
    what: 'a leader that is stopped waits until newcomers have caught up: that takes minutes, and it is stopped long before',
    stage: replacing({ turn: replaced(right.turn, callOffToLeave) }),
    caught: { claim: 'it calls off what is not in the log yet: the client hears that nothing was changed' },
  },
]

export const wrongHandoverRules: readonly WrongRule[] = [...wrongHandovers, ...wrongSuccessors, ...wrongStops]
