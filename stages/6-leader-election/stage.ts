import { inOrder, stage } from '../../src/stage.js'
import { appendEntries } from '../4-log-replication/append-entries.js'
import { applyCommitted, noteDurable } from '../4-log-replication/commit.js'
import { giveUpWaiting } from '../4-log-replication/give-up.js'
import { appendEntriesOf } from '../4-log-replication/messages.js'
import { replicateToAll } from '../4-log-replication/replicate.js'
import { heartbeat } from '../5-heartbeats/heartbeat.js'
import heartbeats from '../5-heartbeats/stage.js'
import { campaignAfterSilence, countOwnVote, countVote, leadWithEntry } from './campaign.js'
import { commitOwnTerm, nothing } from './commit.js'
import { answeredDuringElection, elapsedDuringElection } from './follow-leader.js'
import { type ElectionMessage, electionDoubts, electionWire, entriesOfLeaders } from './messages.js'
import { hearStaleTerm, heedElected, observeTerm } from './terms.js'
import { vote } from './vote.js'
import { type Voter, voter } from './voter.js'

const operations = { ...heartbeats.operations, 'no-op': nothing }
const AppendEntries = appendEntriesOf({ ...heartbeats, operations }, entriesOfLeaders)

export default stage<Voter, ElectionMessage>({
  ...heartbeats.table,
  number: 6,
  name: '6-leader-election',
  title: 'Leader election',
  adds: 'terms and votes: when the leader falls silent, a majority elects another, which has all that was committed',
  stillBroken: 'the log grows for ever',
  operations,
  client: { ...heartbeats.client, answered: answeredDuringElection, elapsed: elapsedDuringElection },
  state: voter,
  start: [],
  verbs: { ...heartbeats.table.verbs, lead: leadWithEntry },
  doubts: electionDoubts,
  gate: observeTerm,
  on: {
    ...heartbeats.table.on,
    AppendEntries: inOrder(heedElected, appendEntries),
    RequestVote: vote,
    RequestVoteReply: countVote,
    StaleTerm: hearStaleTerm,
  },
  wire: { ...heartbeats.table.wire, AppendEntries, ...electionWire },
  proto: [...heartbeats.proto, '6-leader-election/election.proto'],
  tick: [giveUpWaiting, heartbeat, campaignAfterSilence],
  durable: [noteDurable, countOwnVote],
  turn: [commitOwnTerm, applyCommitted, replicateToAll],
  gives: [...heartbeats.gives, 'G7', 'G10', 'G11', 'G12'],
  stalls: {},
  breaks: { G13: 'N8', G14: 'C1', G16: 'E16' },
})
