import { type Answer, failure, type PersistRecord } from '../../../src/contracts.js'
import { type GateRule, replaced, replacedIn, type Stage, type StageTable, stage } from '../../../src/stage.js'
import { applyCommitted, noteDurable, onQuorum } from '../../../stages/4-log-replication/commit.js'
import { campaignAfterSilence, countVote, leadWithEntry } from '../../../stages/6-leader-election/campaign.js'
import { commitOwnTerm } from '../../../stages/6-leader-election/commit.js'
import type { ElectionMessage } from '../../../stages/6-leader-election/messages.js'
import leaderElection from '../../../stages/6-leader-election/stage.js'
import { heedElected, observeTerm } from '../../../stages/6-leader-election/terms.js'
import { vote } from '../../../stages/6-leader-election/vote.js'
import { enterTerm, type Voter, waitAnew } from '../../../stages/6-leader-election/voter.js'
import type { WrongRule } from './wrong-rule.js'

type Table = StageTable<Voter, ElectionMessage>

const right = leaderElection.table

function replacing(rules: Partial<Table>): Stage {
  return stage<Voter, ElectionMessage>({ ...right, ...rules })
}

function hearing(on: Partial<Table['on']>): Stage {
  return replacing({ on: { ...right.on, ...on } })
}

/** A stage whose nodes stand for election by another rule. */
function standing(campaign: (node: Voter) => void): Stage {
  return replacing({ tick: replaced(right.tick, campaignAfterSilence, campaign) })
}

/** A stage whose leader commits by another rule. */
function committing(commit: (node: Voter) => void): Stage {
  return replacing({ turn: replaced(right.turn, commitOwnTerm, commit) })
}

/** A stage whose nodes go by the terms of messages by another rule. */
function observing(observe: GateRule<Voter>): Stage {
  return replacing({ gate: replaced(right.gate, observeTerm, observe) })
}

/** A stage whose leader, deposed by a later term, first runs this rule for its waiting clients. */
function deposing(leave: (node: Voter) => void): Stage {
  return observing((node, message) => {
    if (node.role === 'leader' && message.term! > node.term) leave(node)
    return observeTerm(node, message)
  })
}

function leavingWith(answer: Answer): Stage {
  return deposing((node) => {
    for (const { request } of node.waiting.values()) node.effects.replies.push({ request, answer })
    node.waiting.clear()
  })
}

/** Runs a rule, and sends at once the messages that it wanted to send only when the disk is ready. */
function sayingAtOnce(node: Voter, rule: () => void): void {
  const { send, sendWhenDurable } = node.effects
  const before = sendWhenDurable.length
  rule()
  send.push(...sendWhenDurable.splice(before))
}

/** Wrong ways to give one's vote. */
const wrongVoters: readonly WrongRule[] = [
  {
    name: 'length-only-vote',
    what: 'a voter compares the lengths of the logs and not their terms: a long log of yesterday beats what was committed',
    stage: hearing({ RequestVote: (node, ask) => vote(node, { ...ask, lastLogTerm: node.log.last.term }) }),
    caught: { claim: 'a stale log cannot win, however often it stands, nor a longer one of an earlier term (E4)' },
  },
  {
    name: 'vote-for-any-log',
    what: 'a voter does not look at the log at all: a leader is elected that lacks what was committed',
    stage: hearing({ RequestVote: (node, ask) => vote(node, { ...ask, lastLogTerm: node.term }) }),
    caught: { guarantee: 'G7', climate: 'storm', seeds: 20 },
  },
  {
    name: 'term-and-length-apart',
    what: 'the last term must be as late and the log as long, each by itself: with two unlike logs nobody can win',
    stage: hearing({
      RequestVote(node, ask) {
        const isShorter = ask.lastLogIndex < node.log.last.index
        vote(node, isShorter ? { ...ask, lastLogTerm: -1 } : ask)
      },
    }),
    caught: { claim: 'a vote goes to a log whose last term is later, or is the same and the log as long (§5.4.1)' },
  },
  {
    name: 'two-votes-a-term',
    what: 'a voter says yes to whoever asks: two candidates find a majority each, and both lead the same term',
    stage: hearing({
      RequestVote(node, ask) {
        node.votedFor = null
        vote(node, ask)
      },
    }),
    caught: { guarantee: 'G11', climate: 'storm', seeds: 30 },
  },
  {
    name: 'vote-forgotten-with-a-leader',
    what: 'a node that hears the leader forgets its vote of this term: a late candidate of the same term gets it as well',
    stage: hearing({
      AppendEntries: replacedIn(right.on.AppendEntries, heedElected, (node, message) => {
        heedElected(node, message)
        node.votedFor = null
      }),
    }),
    caught: { guarantee: 'G11', climate: 'churn', seeds: 200 },
  },
  {
    name: 'vote-in-memory',
    what: 'the term is on the disk and the vote is not: a node that starts again votes a second time in the same term',
    stage: hearing({
      RequestVote(node, ask) {
        vote(node, ask)
        const records = (node.effects.persist?.records ?? []) as PersistRecord[]
        for (const [at, record] of records.entries())
          if (record.record === 'term') records[at] = { ...record, votedFor: null }
      },
    }),
    caught: { guarantee: 'G11', climate: 'churn', seeds: 500 },
  },
  {
    name: 'vote-before-sync',
    what: 'the vote leaves before the disk has it: a crash in between, and the node votes for somebody else',
    stage: hearing({ RequestVote: (node, ask) => sayingAtOnce(node, () => vote(node, ask)) }),
    caught: {
      claim: 'the vote is on disk before it is given, and a crash does not give it twice, wherever it strikes (E5)',
    },
  },
  {
    name: 'vote-without-patience',
    what: 'a voter that gave its vote goes on counting the silence: it stands itself before its candidate can speak',
    stage: hearing({
      RequestVote(node, ask) {
        const { silentTicks, electionTimeoutTicks } = node
        vote(node, ask)
        Object.assign(node, { silentTicks, electionTimeoutTicks })
      },
    }),
    caught: { claim: 'giving a vote starts the election timer anew, refusing one does not (§5.2)' },
  },
  {
    name: 'refusal-with-patience',
    what: 'a voter that refuses its vote waits anew all the same: a hopeless candidate keeps the others from standing',
    stage: hearing({
      RequestVote(node, ask) {
        vote(node, ask)
        waitAnew(node)
      },
    }),
    caught: { claim: 'giving a vote starts the election timer anew, refusing one does not (§5.2)' },
  },
]

/** Wrong ways to stand for election, and to count. */
const wrongCandidates: readonly WrongRule[] = [
  {
    name: 'candidacy-before-sync',
    what: 'a candidate asks before its disk has the term: after a crash it leads the same term a second time',
    stage: standing((node) => sayingAtOnce(node, () => campaignAfterSilence(node))),
    caught: { claim: 'the candidacy is on disk before anybody is asked, and survives a crash (E5)' },
  },
  {
    name: 'one-voter-twice',
    what: 'every answer is a vote, also the second from the same node: a repeated message makes a majority of two',
    stage: hearing({
      RequestVoteReply(node, reply) {
        const another = node.peers.find((peer) => !node.votes.has(peer))
        if (another) countVote(node, { ...reply, from: another })
      },
    }),
    caught: { claim: 'candidates: a majority of votes makes a leader, the own vote counted, each voter once (A7)' },
  },
  {
    name: 'votes-of-the-last-term',
    what: 'a candidate that stands again keeps the votes of its last term: two terms together make a majority',
    stage: standing((node) => {
      const { votes } = node
      campaignAfterSilence(node)
      if (node.role === 'candidate') for (const voter of votes) node.votes.add(voter)
    }),
    caught: { claim: 'candidates: a refusal is no vote, and a vote of an earlier term is none in this one' },
  },
  {
    name: 'refusals-counted',
    what: 'whoever answers has voted: a candidate is elected by those who refused it',
    stage: hearing({ RequestVoteReply: (node, reply) => countVote(node, { ...reply, voteGranted: true }) }),
    caught: { guarantee: 'G11', climate: 'storm', seeds: 10 },
  },
  {
    name: 'same-patience',
    what: 'every node bears the same silence: all stand at the same moment, vote for themselves, and do so again',
    stage: standing((node) => {
      node.electionTimeoutTicks = node.timing.electionTicks
      campaignAfterSilence(node)
    }),
    caught: { guarantee: 'G10', climate: 'storm', seeds: 10 },
  },
  {
    name: 'candidate-deaf-to-the-winner',
    what: 'a candidate does not heed the one that was elected in its term: it stands again, and deposes a good leader',
    stage: hearing({
      AppendEntries: replacedIn(right.on.AppendEntries, heedElected, (node, message) => {
        if (node.role !== 'candidate') heedElected(node, message)
      }),
    }),
    caught: { claim: 'a candidate that hears the leader of its term follows it, whatever the entries (§5.2)' },
  },
]

/** Wrong ways to go by the terms, and to leave office. */
const wrongTerms: readonly WrongRule[] = [
  {
    name: 'term-lowered',
    what: 'a node takes on the term of whoever speaks, also an earlier one: it forgets what it promised in the later',
    stage: observing((node, message) => {
      if (message.term! < node.term) node.term = message.term! - 1
      return observeTerm(node, message)
    }),
    caught: { guarantee: 'G11', climate: 'storm', seeds: 10 },
  },
  {
    name: 'answers-of-earlier-terms',
    what: 'an answer counts whatever its term: votes that were given for an earlier term elect a leader in this one',
    stage: observing((node, message, { kind }) => observeTerm(node, message) || kind === 'answers'),
    caught: { guarantee: 'G11', climate: 'storm', seeds: 60 },
  },
  {
    name: 'leader-keeps-office',
    what: 'a leader that hears of a later term enters it and goes on leading, though nobody voted for it there',
    stage: observing((node, message) => {
      const { role } = node
      if (role === 'leader' && message.term! > node.term) enterTerm(node, message.term!, null)
      return observeTerm(node, message)
    }),
    caught: { guarantee: 'G11', climate: 'storm', seeds: 60 },
  },
  {
    name: 'any-message-is-a-sign-of-life',
    what: 'every message starts the election timer anew: while somebody campaigns in vain, nobody else stands',
    stage: observing((node, message) => {
      waitAnew(node)
      return observeTerm(node, message)
    }),
    caught: { claim: 'only the leader of this term, and a vote that was given, start the election timer anew' },
  },
  {
    name: 'deposed-says-done',
    what: 'a deposed leader answers OK to whoever waits: the next leader may never have heard of it',
    stage: leavingWith({ ok: true, value: null, existed: true, length: 1, entries: [], more: false }),
    caught: { guarantee: 'G4', climate: 'storm', seeds: 150 },
  },
  {
    name: 'deposed-says-refused',
    what: 'a deposed leader tells those who wait that nothing was done: the next leader has their entries, and performs them',
    stage: leavingWith(failure('no_leader', 'another leader was elected')),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 150 },
  },
  {
    name: 'wait-by-index-only',
    what: "clients of a deposed leader wait on for what comes at their index: they are given another client's answer",
    stage: replacing({
      gate: replaced(right.gate, observeTerm, (node, message) => {
        const waiting = [...node.waiting]
        const heard = observeTerm(node, message)
        for (const [index, client] of waiting) node.waiting.set(index, client)
        return heard
      }),
      turn: replaced(right.turn, applyCommitted, (node) => {
        for (const [index, client] of node.waiting)
          node.waiting.set(index, { ...client, term: node.log.termAt(index) ?? client.term })
        applyCommitted(node)
      }),
    }),
    caught: {
      claim: 'its tail is replaced by what the new leader has, and nobody who waited gets the answer of another (E6)',
    },
  },
  {
    name: 'deposed-leaves-waiting',
    what: 'a deposed leader says nothing to those who wait: they learn at their deadline what it knew at once',
    stage: deposing((node) => node.waiting.clear()),
    caught: { claim: 'a deposed leader tells its clients at once that it cannot know the outcome (E6)' },
  },
]

/** Wrong ways to lead when there were leaders before. */
const wrongLeaders: readonly WrongRule[] = [
  {
    name: 'commit-of-earlier-terms',
    what: 'an entry of an earlier term is committed as soon as a majority has it: a later leader may still overwrite it',
    stage: committing((node) => {
      if (node.role === 'leader') node.commitIndex = Math.max(node.commitIndex, onQuorum(node))
    }),
    caught: { guarantee: 'G6', climate: 'churn', seeds: 700 },
  },
  {
    name: 'leader-counts-itself-before-sync',
    what: 'the leader counts its own copy before its disk has it: OK with two disks of five, and the power goes',
    stage: committing((node) => {
      const { durableIndex } = node
      node.durableIndex = node.log.last.index
      commitOwnTerm(node)
      node.durableIndex = durableIndex
    }),
    caught: { guarantee: 'G8', climate: 'storm', seeds: 20 },
  },
  {
    name: 'late-sync-credits-another',
    what: 'a sync of entries that were taken back counts for those in their place: the leader counts what no disk has',
    stage: replacing({
      durable: replaced(right.durable, noteDurable, (node, { index }) => {
        node.durableIndex = Math.max(node.durableIndex, Math.min(index, node.log.last.index))
      }),
    }),
    caught: {
      claim:
        'a late notice of the disk about an entry that was taken back does not count for the one in its place (B8)',
    },
  },
  {
    name: 'match-index-of-the-last-office',
    what: 'a leader begins with what followers had when it led before: some of it was taken back from them meanwhile',
    stage: replacing({
      verbs: {
        ...right.verbs,
        lead(node) {
          const matched = [...node.progress].map(([peer, { matchIndex }]) => [peer, matchIndex] as const)
          leadWithEntry(node)
          for (const [peer, matchIndex] of matched) node.progress.get(peer)!.matchIndex = matchIndex
        },
      },
    }),
    caught: {
      claim: 'leaders: what followers have is found out anew in each office (figure 2: matchIndex begins at 0)',
    },
  },
  {
    name: 'no-empty-entry',
    what: "a new leader waits for a client before it writes: its predecessor's last writes hang, and those who wait for them",
    stage: replacing({
      verbs: {
        ...right.verbs,
        lead(node) {
          const { persist } = node.effects
          const records = persist && [...persist.records]
          const { index } = node.log.last
          leadWithEntry(node)
          node.log.truncate(index + 1)
          node.effects.persist = persist && records && { records, upTo: node.log.last }
        },
      },
    }),
    caught: { claim: "a new leader commits its predecessor's entries without a new write (§8, E9)" },
  },
  {
    name: 'leader-reads-its-own-store',
    what: 'a leader answers reads from its store at once: it may have been deposed long ago, and not know it',
    stage: replacing({
      requests: {
        ...right.requests,
        read(node, { id: request, command }) {
          if (node.role !== 'leader') return right.requests.read(node, { id: request, command })
          node.effects.query.push({ command, request, behind: node.effects.apply.length })
        },
      },
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 80 },
  },
]

/** Wrong rules for a cluster that elects its leaders. */
export const wrongElections: readonly WrongRule[] = [...wrongVoters, ...wrongCandidates, ...wrongTerms, ...wrongLeaders]
