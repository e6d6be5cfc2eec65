import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { describeBar, describeEvent, isNotable } from '../../client/text/events.js'

const cases: [object, string][] = [
  [{ event: 'campaign', term: 2 }, 'n1  stands for election: asks for votes in term 2'],
  [{ event: 'elected', term: 2, votes: ['n1', 'n4', 'n5'] }, 'n1  LEADS term 2, elected by n1, n4, n5'],
  [{ event: 'deposed', term: 2, by: 5 }, 'n1  is deposed: it led term 2, and has heard of term 5'],
  [{ event: 'truncated', from: 4, last: 6 }, "n1  takes back entries 4 to 6: the leader's differ"],
  [{ event: 'truncated', from: 4, last: 4 }, "n1  takes back entry 4: the leader's differ"],
  [
    { event: 'leader_silent', leader: 'n2' },
    'n1  has heard nothing from n2 for too long: nobody leads, as far as it knows',
  ],
  [
    { event: 'log_cut', file: 'f', bytes: 9, copies: ['f.cut-1'] },
    'n1  cut an unfinished write of 9 bytes off its log; nobody was told that it was done; a copy is in f.cut-1',
  ],
  [{ event: 'snapshot', index: 9, term: 2 }, 'n1  has a snapshot of entries 1 to 9'],
  [
    { event: 'snapshot_sent', to: 'n2', index: 9, bytes: 300 },
    'n1  sends n2, which lacks what the log has let go, its snapshot of entries 1 to 9 (300 bytes)',
  ],
  [{ event: 'installed', index: 9, term: 2 }, "n1  takes over the leader's snapshot of entries 1 to 9"],
  [{ event: 'wiped' }, 'n1  wiped: its disk is empty, and it does not know any more for whom it voted'],
  [
    { event: 'snapshot_damaged', file: 'f', what: 'gone', instead: 4 },
    'n1  found a snapshot damaged (f: gone) and goes on from that of entry 4',
  ],
  [
    { event: 'snapshot_damaged', file: 'f', what: 'gone', instead: 0 },
    'n1  found a snapshot damaged (f: gone) and goes on from its first entry',
  ],
  [{ event: 'disk_failed', message: 'full' }, 'n1  THE DISK FAILED, the node stops: full'],
  [{ event: 'cut', links: ['n1>n2', 'n2>n1'] }, 'n1  cut: what is sent n1>n2 and n2>n1 is lost'],
  [
    { event: 'cut', links: ['n1>n3', 'n3>n1', 'n1>n4', 'n4>n1', 'n2>n3', 'n3>n2', 'n2>n4', 'n4>n2'] },
    'n1  cut: all that is sent between n1 n2 and n3 n4 is lost',
  ],
  [{ event: 'members', voters: ['n1', 'n2'], learners: [] }, 'n1  from now on: voters n1, n2'],
  [
    { event: 'members', voters: ['n2', 'n3'], outgoing: ['n1', 'n2'], learners: ['n4'] },
    'n1  from now on: voters n1, n2 → n2, n3 (joint); learners n4',
  ],
  [{ event: 'removed' }, 'n1  hears that it is no member any more'],
  [{ event: 'retired', term: 3 }, 'n1  led term 3 until it was out of the cluster, and leads no more'],
  [{ event: 'catching_up', round: 0 }, 'n1  is asked which disk it has'],
  [{ event: 'catching_up', round: 2, done: 5, total: 9, of: 'entries' }, 'n1  catches up, round 2: entries 5 of 9'],
  [{ event: 'changed', line: 'add n2', voters: ['n1', 'n2'] }, 'n1  done: the voters are n1, n2'],
  [{ event: 'refused', code: 'quorum_at_risk', message: 'no' }, 'n1  refused quorum_at_risk: no'],
  [{ event: 'news', of: 1, or: 'two' }, 'n1  news: of 1, or two'],
]

t.test('what happened, as a person reads it', async (t) => {
  for (const [event, expected] of cases)
    t.equal(stripVTControlCharacters(describeEvent({ ...event, node: 'n1', at: 0 } as never)), expected)
})

t.test("a newcomer's bar; and what need not interrupt anybody", async (t) => {
  const bar = (done: number, of: string) =>
    stripVTControlCharacters(describeBar({ event: 'catching_up', node: 'n6', round: 1, done, total: 100, of }))
  t.equal(bar(50, 'entries'), 'n6 ████████████░░░░░░░░░░░░ 50/100 entries, round 1')
  t.equal(bar(100, 'bytes'), 'n6 ████████████████████████ 100/100 bytes, round 1')
  t.notOk(isNotable({ event: 'snapshot', index: 9, term: 2 }))
  t.ok(isNotable({ event: 'removed' }))
})
