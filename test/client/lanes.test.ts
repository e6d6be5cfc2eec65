import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import t from 'tap'
import { Lanes } from '../../client/text/lanes.js'
import { describeMessage } from '../../client/text/message.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { cli } from '../helpers/running.js'

const append = {
  type: 'AppendEntries',
  from: 'n1',
  to: 'n3',
  term: 3,
  prevLogIndex: 7,
  prevLogTerm: 2,
  leaderCommit: 7,
}

t.test('a message is one line', async (t) => {
  const entries = [8, 9].map((index) => ({ index, term: 3 }))
  const cases: [object, string][] = [
    [{ ...append, entries }, 'n1@3 → n3 AppendEntries 7@2 [8 9] commit 7'],
    [{ ...append, entries: [] }, 'n1@3 → n3 AppendEntries 7@2 commit 7'],
    [
      { ...append, entries: Array.from({ length: 9 }, (_, at) => ({ index: at + 8 })) },
      'n1@3 → n3 AppendEntries 7@2 [8–16] commit 7',
    ],
    [{ type: 'RequestVoteReply', from: 'n2', to: 'n1', term: 3, voteGranted: false }, 'n2@3 → n1 RequestVoteReply no'],
    [{ type: 'Introduce', from: 'n2', to: 'n1' }, 'n2 → n1 Introduce'],
    [{ type: 'Removed', from: 'n2', to: 'n1', index: 4, disk: 'x' }, 'n2 → n1 Removed index 4'],
    [
      {
        type: 'AppendEntriesConflict',
        from: 'n2',
        to: 'n1',
        term: 3,
        prevLogIndex: 7,
        conflictTerm: 2,
        conflictIndex: 5,
      },
      'n2@3 → n1 AppendEntriesConflict entry 7 is of term 2, which begins at 5',
    ],
  ]
  for (const [message, expected] of cases) t.equal(describeMessage(message as never), expected)
})

/** Tells events as lanes, without colours. */
function told(lines: readonly TraceLine[]): string[] {
  const said: string[] = []
  const lanes = new Lanes((line) => said.push(stripVTControlCharacters(line).trimEnd()))
  for (const line of lines) lanes.take(line)
  lanes.end()
  return said
}

t.test('an event is a line, a node a column, and what is lost ends at a cross', async (t) => {
  const lost = { ...append, entries: [{ index: 8, term: 3 }] }
  const back = { type: 'RequestVoteReply', from: 'n3', to: 'n1', term: 3, voteGranted: true }
  const state = { event: 'state', node: 'n1', role: 'leader', leader: 'n1', applied: 0, commit: 2 }
  const said = told([
    { event: 'trace', format: 1, stage: 6, tickMs: 10, nodes: ['n1', 'n2', 'n3'], at: 100 },
    { event: 'send', node: 'n1', message: lost, at: 101 },
    { event: 'lost', message: lost, at: 101 },
    { event: 'send', node: 'n3', message: back, at: 102 },
    { event: 'receive', node: 'n1', message: back, at: 103 },
    { ...state, at: 103 },
    { event: 'send', node: 'n1', message: { ...append, entries: [] }, at: 104 },
    { event: 'asked', client: 'c1', command: { command: 'set', key: '\u001b[31m', value: '1' }, to: 'n2', at: 105 },
    { event: 'outcome', client: 'c1', outcome: 'done', answer: { ok: true }, at: 105 },
    { event: 'killed', node: 'n2', at: 106 },
    { event: 'paused', node: 'n3', at: 106 },
    { event: 'finding', guarantee: 'G4', what: 'it is lost', at: 107 },
  ])
  t.same(said, [
    '      ms  n1   n2   n3',
    '       1  ●────╳    │     n1@3 → n3 AppendEntries 7@2 [8] commit 7 ✗ lost',
    '       2  │◀───┼────●     n3@3 → n1 RequestVoteReply yes',
    '       3  ◆    │    │     n1 commits entries 1 to 2',
    '          ║    │    │     (1 heartbeat or answer)',
    '       5  ║    │    │     c1 → n2: set \\u001b[31m 1',
    '       5  ║    │    │     c1 ← ok',
    '       6  ║    ◆    │     n2  killed: whatever it had not written to disk is gone',
    '       6  ║         ◆     n3  paused: it neither answers nor refuses',
    '       7  ║         ┊     ✘ G4 it is lost',
  ])
})

t.test('a seed, a scenario and a wrong rule are told; a trace is shown and merged', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'lanes-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'run.ndjson')
  const seed = await cli(['sim', '6', '--seed', '3', '--climate', 'calm', '--messages', '--trace', file])
  t.match(seed.stdout, /RequestVote log ends with 0@0/)
  const shown = await cli(['trace', 'show', file])
  t.equal(shown.code, 0)
  t.ok(seed.stdout.startsWith(shown.stdout.trimEnd()), 'a file tells the same as the run')
  const merged = await cli(['trace', 'merge', folder])
  t.match(JSON.parse(merged.stdout.split('\n')[0]!), { event: 'trace', format: 2, stage: 6 })
  t.match((await cli(['scenario', 'N3', '--stage', '2', '--messages'])).stdout, /✘ c2 get a @follower \(n2\): "1"/)
  t.match((await cli(['trace', 'show', join(folder, 'none')])).stderr, /cannot read the trace/)
  t.match((await cli(['trace', 'merge', join(folder, 'none')])).stderr, /cannot read the folder/)
  t.match((await cli(['trace', 'draw', file])).stderr, /knows show and merge/)
  t.match((await cli(['sim', '6', '--messages'])).stderr, /--messages needs --seed/)
})

t.test('options that mean nothing together are refused', async (t) => {
  t.match((await cli(['scenario', 'N3', '--beside', '2'])).stderr, /with --beside goes --ui/)
  t.match((await cli(['sim', '6', '--seed', '1', '--beside', '2'])).stderr, /--beside needs --ui/)
  t.match((await cli(['scenario', 'none.txt'])).stderr, /cannot read the scenario/)
})
