import { inOrder, insertedBefore, replaced, replacedIn, type StageTable } from '../../src/stage.js'
import { countReply, walkBack } from '../4-log-replication/acknowledge.js'
import { heedElected, tellStaleTerm } from '../6-leader-election/terms.js'
import { appendBehindEdge } from '../7-log-compaction/edge.js'
import { holdSnapshots } from '../7-log-compaction/let-go.js'
import { takeSnapshotWhenDue } from '../7-log-compaction/take-snapshot.js'
import { beLoyal, voteIfAdmitted } from '../8-membership/loyalty.js'
import { askReadIndex } from '../9-client-interaction/ask-read-index.js'
import { endSessions } from '../9-client-interaction/end-sessions.js'
import type { InteractionMessage } from '../9-client-interaction/messages.js'
import { beginRound, countConfirmation, leaveReads } from '../9-client-interaction/read-index.js'
import { answerPreVote } from './answer-pre-vote.js'
import { holdCopied } from './backup.js'
import { hearSum, performCompared, stopAfterVerdict, stopDiffering, sumAnew, sumResults } from './compare-results.js'
import { followFeatures, followSnapshot } from './features.js'
import { endForwards, hearForwardReply } from './forward.js'
import { giveUpHandover, handOver } from './hand-over.js'
import { endSessionsUnlessLeaving } from './hold.js'
import { extendLease, letLeasesEnd, noteRound, readByLease } from './lease.js'
import type { ProductionMessage } from './messages.js'
import { countPreVote, endQuestion } from './pre-vote.js'
import { offerToLead, takeOffer } from './prefer.js'
import type { ProductionNode } from './production-node.js'
import { askReadIndexOfSuccessor, leaveReadsToSuccessor } from './reads-in-between.js'
import { countArrived, rewind } from './replicate-ahead.js'
import { appendIfInTime, countApplied, countHanded } from './slow-machine.js'
import { refuseSnapshot, takeWishedSnapshot } from './snapshot-now.js'
import { hearSuccessor, standAtOnce } from './stand-at-once.js'
import { hearEquipped, proposeFeatures } from './switch-on.js'
import { answerForwarded, takeForward, takeForwardRequest, tellRefusals } from './take-forward.js'
import { callOffToLeave } from './transfer-leader.js'

type Reports = 'applied' | 'saved' | 'restored'
type Table<M extends InteractionMessage | ProductionMessage> = StageTable<ProductionNode, M>

/** Rules at the gate: leases that this node does not remember end first, and a successor is heard. */
export function gateOfProduction(before: Table<InteractionMessage>['gate']): Table<ProductionMessage>['gate'] {
  return insertedBefore(insertedBefore(before, beLoyal, letLeasesEnd), tellStaleTerm, hearSuccessor)
}

/** Rules for messages that this stage changes or adds. */
export function hearAhead(before: Table<InteractionMessage>['on']): Table<ProductionMessage>['on'] {
  return {
    ...before,
    AppendEntries: replacedIn(before.AppendEntries, appendBehindEdge, appendIfInTime),
    AppendEntriesReply: replacedIn(before.AppendEntriesReply, countReply, countArrived),
    AppendEntriesConflict: replacedIn(before.AppendEntriesConflict, walkBack, rewind),
    LeaderConfirmed: replacedIn(before.LeaderConfirmed, countConfirmation, extendLease),
    PreVote: answerPreVote,
    PreVoteReply: countPreVote,
    TimeoutNow: inOrder(heedElected, standAtOnce),
    RequestVoteNow: voteIfAdmitted,
    OfferToLead: takeOffer,
    Forward: takeForward,
    ForwardRequest: takeForwardRequest,
    ForwardReply: hearForwardReply,
    Introduction: hearEquipped,
    ResultSum: hearSum,
    ResultsDiffer: inOrder(heedElected, stopDiffering),
  }
}

/** Rules for what the disk and the state machine report. */
export function reportsOfProduction({ applied, saved, restored }: Pick<Table<InteractionMessage>, Reports>) {
  return {
    perform: [performCompared],
    applied: [...applied, answerForwarded, sumResults, countApplied],
    saved: [...saved, followSnapshot, refuseSnapshot],
    restored: [...restored, sumAnew],
  }
}

/** Rules of a tick: questions, hand-overs and forwarded commands end in time, and a preferred node offers to lead. */
export function tickOfProduction(before: Table<InteractionMessage>['tick']): Table<ProductionMessage>['tick'] {
  const unlessLeaving = replaced(before, endSessions, endSessionsUnlessLeaving)
  return [...unlessLeaving, stopAfterVerdict, endQuestion, giveUpHandover, offerToLead, endForwards, proposeFeatures]
}

/**
 * Rules that end a turn: reads wait for a successor, or are answered by a lease; the leader hands over, and answers other
 * nodes.
 */
export function turnOfProduction(before: Table<InteractionMessage>['turn']): Table<ProductionMessage>['turn'] {
  const holding = replaced(before, holdSnapshots, holdCopied)
  const switching = insertedBefore(holding, takeSnapshotWhenDue, followFeatures, countHanded)
  const waiting = replaced(switching, leaveReads, leaveReadsToSuccessor)
  const leased = replaced(waiting, beginRound, readByLease, beginRound, noteRound)
  return [
    ...replaced(leased, askReadIndex, askReadIndexOfSuccessor),
    callOffToLeave,
    handOver,
    tellRefusals,
    takeWishedSnapshot,
  ]
}
