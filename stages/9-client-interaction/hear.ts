import { inOrder, type StageTable } from '../../src/stage.js'
import { heedElected } from '../6-leader-election/terms.js'
import type { MembershipMessage } from '../8-membership/messages.js'
import { hearReadIndexReply, repeatQuestion } from './ask-read-index.js'
import { moveClock } from './cluster-time.js'
import { endSessions } from './end-sessions.js'
import { noteNews } from './freshness.js'
import type { InteractionMessage } from './messages.js'
import { confirmLeader, countConfirmation, hearReadIndex, repeatRound } from './read-index.js'
import type { Responder } from './responder.js'
import { giveUpReads } from './serve-reads.js'

/** Rules for messages that this stage changes or adds. Only an elected leader asks to be confirmed. */
export function hearReads(
  before: StageTable<Responder, MembershipMessage>['on'],
): StageTable<Responder, InteractionMessage>['on'] {
  return {
    ...before,
    AppendEntries: inOrder(before.AppendEntries, noteNews),
    ConfirmLeader: inOrder(heedElected, confirmLeader),
    LeaderConfirmed: countConfirmation,
    ReadIndex: hearReadIndex,
    ReadIndexReply: hearReadIndexReply,
  }
}

/** Rules of a tick: the cluster's time goes on, sessions end, and lost questions about reads are asked again. */
export const timeGoesOn = [moveClock, endSessions, repeatRound, repeatQuestion, giveUpReads]
