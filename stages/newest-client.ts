import type { ClientRules } from '../src/contracts.js'
import { answered } from './1-client/answer.js'
import { call } from './1-client/call.js'
import { client, take } from './1-client/client.js'
import { closed, connected, disconnected, elapsed } from './1-client/link.js'
import { answeredDuringElection, elapsedDuringElection } from './6-leader-election/follow-leader.js'
import { learnMembers } from './8-membership/learn-members.js'
import { inSession } from './9-client-interaction/client.js'
import { dropSilent } from './10-production/drop-silent.js'

/**
 * The client's rules of the newest stage, put together as the tables of the stages do it, and without what the tables
 * have for nodes: a program that only asks loads a third as much.
 */
export const newestClient: ClientRules = {
  ...{ state: client, call, answered, connected, disconnected, elapsed, closed, take },
  ...{ answered: answeredDuringElection, elapsed: elapsedDuringElection },
  ...learnMembers,
  ...inSession,
  ...dropSilent,
}
