import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'
import { asking } from './votes.js'

/**
 * Lets a node stand, again and again if need be, and brings its questions to these and their answers back. What it says
 * as a leader is in the air then.
 */
export function campaign(cores: Cores, id: string, voters: readonly string[], rounds = 4): boolean {
  for (let round = 0; round < rounds && cores.status(id).role !== 'leader'; round++) {
    const { term } = cores.status(id)
    for (let tick = 0; tick < 2 * timing.electionTicks && cores.status(id).term === term; tick++) {
      cores.leaveAlone(id)
    }
    cores.bearSilence(voters)
    for (const to of voters) cores.deliver({ type: 'RequestVote', from: id, to })
    cores.take({ type: 'RequestVote' })
    cores.deliver({ to: id })
  }
  return cores.status(id).role === 'leader'
}

const granted = (from: string, term: number): AnyMessage => ({
  type: 'RequestVoteReply',
  from,
  to: 'n3',
  term,
  voteGranted: true,
})

/** n3 in each of the three roles of §5.1, all in term 5. */
function inEachRole(stage: Stage): [string, Cores][] {
  const roles = ['follower', 'candidate', 'leader'].map(
    (role) => [role, new Cores(stage, { n3: { term: 5 } })] as const,
  )
  return roles.map(([role, cores]) => {
    if (role === 'follower') cores.receive(asking('n1', 6))
    else cores.stand('n3')
    if (role === 'leader') cores.run()
    cores.take()
    equal(cores.status('n3').role, role)
    return [role, cores]
  })
}

/** Every kind of message that a node may hear, of this term. */
function everyKind(term: number): AnyMessage[] {
  const common = { from: 'n2', to: 'n3', term, sequence: 1 }
  return [
    { ...common, type: 'AppendEntries', prevLogIndex: 0, prevLogTerm: 0, leaderCommit: 0, entries: [] },
    { ...common, type: 'AppendEntriesReply', matchIndex: 1 },
    { ...common, type: 'AppendEntriesConflict', prevLogIndex: 1, conflictTerm: null, conflictIndex: 1 },
    { ...common, type: 'RequestVote', lastLogIndex: 0, lastLogTerm: 0 },
    { ...common, type: 'RequestVoteReply', voteGranted: true },
    { ...common, type: 'StaleTerm' },
  ]
}

/** Figure 2, rules for servers: all, followers, candidates; §5.1, §5.2. */
export const electionClaims: Claims = {
  'all servers: a later term in any message is entered, on disk, and whoever leads or stands steps down'(stage) {
    for (const at of everyKind(9).keys()) {
      for (const [role, cores] of inEachRole(stage)) {
        const message = everyKind(9)[at]!
        if (role === 'leader' && message.type === 'RequestVote') continue
        cores.receive(message)
        const what = `${role}, ${message.type}`
        same([cores.status('n3').term, cores.status('n3').role], [9, 'follower'], what)
        equal(cores.onDisk('n3').term, 9, what)
        equal(cores.onDisk('n3').votedFor, message.type === 'RequestVote' ? 'n2' : null, what)
      }
    }
  },
  'all servers: a message of an earlier term changes nothing, and terms never fall'(stage) {
    for (const at of everyKind(4).keys()) {
      for (const [role, cores] of inEachRole(stage)) {
        const before = [cores.status('n3'), cores.log('n3'), cores.onDisk('n3')]
        const message = everyKind(4)[at]!
        cores.receive(message)
        same([cores.status('n3'), cores.log('n3'), cores.onDisk('n3')], before, `${role}, ${message.type}`)
      }
    }
  },
  'followers: after the election timeout a follower stands, in a new term, with its own vote, and asks all others'(
    stage,
  ) {
    const cores = new Cores(stage, { n3: { log: [1, 2], term: 5 } })
    cores.stand('n3')
    same([cores.status('n3').role, cores.status('n3').term], ['candidate', 6])
    same(
      cores
        .take({ type: 'RequestVote' })
        .map(({ to, term, lastLogIndex, lastLogTerm }) => [to, term, lastLogIndex, lastLogTerm]),
      ['n1', 'n2', 'n4', 'n5'].map((to) => [to, 6, 2, 2]),
    )
  },
  'candidates: a majority of votes makes a leader, the own vote counted, each voter once (A7)'(stage) {
    const cores = new Cores(stage)
    cores.stand('n3')
    cores.receive(granted('n1', 1))
    cores.receive(granted('n1', 1))
    cores.receive(granted('n1', 1))
    equal(cores.status('n3').role, 'candidate', 'two of five')
    cores.receive(granted('n2', 1))
    equal(cores.status('n3').role, 'leader', 'three of five')
  },
  'candidates: a refusal is no vote, and a vote of an earlier term is none in this one'(stage) {
    const cores = new Cores(stage)
    cores.stand('n3')
    for (const from of ['n1', 'n2', 'n4', 'n5']) cores.receive({ ...granted(from, 1), voteGranted: false })
    equal(cores.status('n3').role, 'candidate')
    cores.receive(granted('n1', 1))
    campaign(cores, 'n3', [], 1)
    equal(cores.status('n3').term, 2)
    cores.receive(granted('n2', 1))
    cores.receive(granted('n4', 1))
    cores.receive(granted('n2', 2))
    equal(cores.status('n3').role, 'candidate', 'in term 2: its own, and one')
    cores.receive(granted('n5', 2))
    equal(cores.status('n3').role, 'leader')
  },
  'a candidate that hears the leader of its term follows it, whatever the entries (§5.2)'(stage) {
    for (const prevLogIndex of [0, 7]) {
      const cores = new Cores(stage)
      cores.stand('n3')
      cores.take()
      const [append] = everyKind(1) as [AnyMessage]
      cores.receive({ ...append, prevLogIndex, prevLogTerm: Math.min(1, prevLogIndex) })
      same([cores.status('n3').role, cores.status('n3').leader, cores.status('n3').term], ['follower', 'n2', 1])
      cores.tick('n3', timing.electionTicks)
      equal(cores.status('n3').role, 'follower', 'and waits anew')
    }
  },
  'candidates: a split vote elects nobody, and the next term resolves it (E3)'(stage) {
    const cores = new Cores(stage)
    const four = ['n1', 'n2', 'n3', 'n4']
    cores.stand('n1')
    cores.stand('n2')
    cores.deliver({ from: 'n1', to: 'n3' })
    cores.deliver({ from: 'n2', to: 'n4' })
    cores.run(four)
    same(
      four.map((id) => [cores.status(id).role, cores.status(id).term]),
      ['candidate', 'candidate', 'follower', 'follower'].map((role) => [role, 1]),
    )
    ok(campaign(cores, 'n1', ['n2', 'n3', 'n4'], 1))
    cores.run(four)
    same(
      four.map((id) => [cores.status(id).leader, cores.status(id).term]),
      four.map(() => ['n1', 2]),
    )
  },
  'a stale log cannot win, however often it stands, nor a longer one of an earlier term (E4)'(stage) {
    for (const log of [
      [1, 1],
      [1, 1, 1, 1, 1, 1],
    ]) {
      const past = { log: [1, 1, 2], term: 2 }
      const cores = new Cores(stage, { n1: past, n2: past, n3: past, n4: past, n5: { log, term: 2 } })
      equal(campaign(cores, 'n5', ['n1', 'n2', 'n3', 'n4'], 5), false)
      ok(campaign(cores, 'n1', ['n2', 'n3', 'n4', 'n5']), 'and somebody else does')
      cores.run()
      same(cores.log('n5'), cores.log('n1'))
    }
  },
  'two of five never lead, and when the others are back somebody does (E2)'(stage) {
    const cores = led(stage)
    const { term } = cores.status('n1')
    equal(campaign(cores, 'n4', ['n5'], 5), false)
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    cores.run()
    same([cores.status('n1').role, cores.status('n1').leader], ['follower', 'n2'])
    ok(cores.status('n1').term! > term!)
  },
}

/** What holds only where the members are always the same: elsewhere, who asks may be no member any more. */
export const fixedVoterClaims: Claims = {
  'a leader that is asked for its vote in a later term enters it, and steps down (§5.1)'(stage) {
    const [, , [, cores]] = inEachRole(stage) as [unknown, unknown, [string, Cores]]
    cores.receive(asking('n2', 9))
    same([cores.status('n3').term, cores.status('n3').role], [9, 'follower'])
    same([cores.onDisk('n3').term, cores.onDisk('n3').votedFor], [9, null], 'its own log is the better one')
  },
}
