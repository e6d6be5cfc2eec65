import { replaced, replacedIn, stage } from '../../src/stage.js'
import { commitByMajority } from '../4-log-replication/commit.js'
import { hearTerm, takeOffice } from '../4-log-replication/term.js'
import { heed, noticeSilence } from '../5-heartbeats/silence.js'
import heartbeats from '../5-heartbeats/stage.js'
import { campaign, campaignAfterSilence, countOwnVote, countVote, leadWithEntry } from './campaign.js'
import { commitOwnTerm } from './commit.js'
import { answeredDuringElection, elapsedDuringElection } from './follow-leader.js'
import { type ElectionMessage, electionDoubts, electionMessages } from './messages.js'
import { hearStaleTerm, heedElected, observeTerm, tellStaleTerm } from './terms.js'
import { vote } from './vote.js'
import { drawElectionTimeout, type Voter, voter } from './voter.js'

const before = heartbeats.table

export default stage<Voter, ElectionMessage>({
  ...before,
  number: 6,
  name: '6-leader-election',
  title: 'Leader election',
  adds: 'terms and votes: when the leader falls silent, a majority elects another, which has all that was committed',
  stillBroken: 'the log grows for ever',
  payloads: { ...before.payloads, 'no-op': () => true },
  client: { ...before.client!, answered: answeredDuringElection, elapsed: elapsedDuringElection },
  state: voter,
  start: [],
  verbs: { ...before.verbs, drawElectionTimeout, campaign, lead: leadWithEntry },
  messages: { ...before.messages, ...electionMessages },
  doubts: electionDoubts,
  gate: replaced(before.gate, hearTerm, tellStaleTerm, observeTerm),
  on: {
    ...before.on,
    AppendEntries: replacedIn(before.on.AppendEntries, heed, heedElected),
    RequestVote: vote,
    RequestVoteReply: countVote,
    StaleTerm: hearStaleTerm,
  },
  proto: [...before.proto, '6-leader-election/election.proto'],
  tick: replaced(before.tick, noticeSilence, campaignAfterSilence),
  durable: replaced(before.durable, takeOffice, countOwnVote),
  turn: replaced(before.turn, commitByMajority, commitOwnTerm),
  gives: [...before.gives, 'G7', 'G10', 'G11', 'G12'],
  stalls: {},
  breaks: { G13: 'N8', G14: 'C1', G16: 'E16' },
})
