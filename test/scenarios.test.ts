import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { declared as says } from '../src/proof/declared.js'
import { catalogue } from '../src/proof/scenario/catalogue.js'
import { parseScenario } from '../src/proof/scenario/notation.js'
import type { Scenario, Verdict } from '../src/proof/scenario/scenario.js'
import { playVirtually } from '../src/proof/scenario/virtual.js'
import type { Stage } from '../src/stage.js'
import { latest, stages } from '../stages/index.js'
import { isLong } from './helpers/effort.js'

const scenarios = catalogue()
const recorded = fileURLToPath(new URL('../../test/transcripts/', import.meta.url))

/** What a stage says of itself; null where it says nothing of this scenario in particular. */
function declared(stage: Stage, { id, guarantee }: Scenario): Verdict | null {
  if (stage.gives.includes(guarantee)) return 'holds'
  if (stage.breaks[guarantee] === id) return 'violated'
  return stage.stalls[guarantee] === id ? 'unavailable' : null
}

/** In the short form, a stage plays what it says that it breaks, and what begins with it; the last one plays all. */
function isPlayed({ id, fromStage }: Scenario, { number, breaks, stalls }: Stage): boolean {
  if (isLong || process.env.UPDATE_TRANSCRIPTS || number === latest.number || number === fromStage) return true
  return [breaks, stalls].some((shown) => Object.values(shown).includes(id))
}

for (const stage of stages) {
  t.test(`stage ${stage.number}: every scenario ends as declared, word for word as recorded`, async (t) => {
    const of = scenarios.filter(({ guarantee }) => says(stage, guarantee) !== 'not applicable')
    for (const scenario of of) {
      if (!scenario.drivers.includes('virtual') || scenario.fromStage > stage.number) continue
      if (!isPlayed(scenario, stage)) continue
      const { verdict, transcript, witness } = await playVirtually(scenario, stage)
      const expected = declared(stage, scenario)
      if (expected) t.equal(verdict, expected, `${scenario.id} at stage ${stage.number}`)
      t.ok(witness.length <= 10 && (verdict === 'holds') === (witness.length === 0), 'a witness of ten lines at most')
      const path = `${recorded}${scenario.id}-stage-${stage.number}.txt`
      const text = `${transcript.join('\n')}\n`
      if (process.env.UPDATE_TRANSCRIPTS) writeFileSync(path, text)
      t.ok(existsSync(path), `${path} was recorded; UPDATE_TRANSCRIPTS=1 does it`)
      t.equal(text, readFileSync(path, 'utf8'), `the transcript of ${scenario.id}`)
    }
  })
}

t.test('a scenario exists for whatever a stage says that it shows', async (t) => {
  // A storm is no script: the simulator makes it, and the matrix is where it is tested.
  const later = ['storm']
  for (const { breaks, stalls } of stages) {
    for (const [guarantee, id] of Object.entries({ ...stalls, ...breaks })) {
      if (later.includes(id)) continue
      t.equal(scenarios.find((scenario) => scenario.id === id)?.guarantee, guarantee, id)
    }
  }
})

t.test('recorded transcripts are those of scenarios and stages that there are', async (t) => {
  for (const name of readdirSync(recorded)) {
    const [, id, stage] = /^(\w+)-stage-(\d+)\.txt$/.exec(name) ?? []
    const scenario = scenarios.find((one) => one.id === id)
    t.ok(scenario?.drivers.includes('virtual') && stages[Number(stage)] !== undefined, name)
  }
})

t.test('chance comes from the seed', async (t) => {
  const racing = scenarios.find(({ id }) => id === 'N7')!
  const play = async (seed: number) => (await playVirtually(racing, stages[2]!, seed)).transcript.join('\n')
  t.equal(await play(7), await play(7))
  t.not(await play(7), await play(8))
})

const header = 'X1 A title\nguarantee G5\n\n'
const script = (body: string, more = '') => parseScenario(`X1 A title\nguarantee G5\n${more}\n${body}`, 'X1.txt')

t.test('a script as it is read', async (t) => {
  const {
    file: _file,
    statements,
    ...read
  } = parseScenario(
    'X1 A title\nguarantee G5\ndrivers real\ndeadline 2s\nbelieves n1: n2\nfrom stage 4\nservice promised\nsnapshots every 20 entries\nOne\ntwo.\n\nsettle',
    'X1.txt',
  )
  t.same(read, {
    id: 'X1',
    title: 'A title',
    guarantee: 'G5',
    about: 'One two.',
    drivers: ['real'],
    deadlineMs: 2_000,
    believes: { n1: 'n2' },
    fromStage: 4,
    servicePromised: true,
    snapshotEntries: 20,
  })
  t.same(statements, [{ kind: 'settle', text: 'settle', line: 12 }])
  t.match(script('c1 set a "x -> y" @n3 & -> "1" or (absent) or refused or unknown timeout').statements[0], {
    kind: 'call',
    client: 'c1',
    words: 'set a "x -> y" @n3',
    background: true,
    expected: [
      { kind: 'value', value: '1' },
      { kind: 'value', value: null },
      { kind: 'refused', code: null },
      { kind: 'unknown', code: 'timeout' },
    ],
  })
  t.match(script('delay 1..50ms\nwait 2s\nload 3 clients 4 calls\nrepeat 2\nkill n1\nend').statements, [
    { kind: 'delay', delay: { minMs: 1, maxMs: 50 } },
    { kind: 'wait', ms: 2_000 },
    { kind: 'load', clients: 3, calls: 4, isWhole: false },
    { kind: 'repeat', times: 2, body: [{ kind: 'fault', fault: { word: 'kill', nodes: ['n1'] }, line: 8 }] },
  ])
  t.match(script('double 5%\nload 3 clients 4 calls over 20s &\nx y = 2 followers\nall hold a 1').statements, [
    { kind: 'double', part: 0.05 },
    { kind: 'load', clients: 3, calls: 4, overMs: 20_000, background: true },
    { kind: 'name', names: ['x', 'y'], words: ['2', 'followers'] },
    { kind: 'all hold', key: 'a', value: '1' },
  ])
  t.match(script('all hold a x within 2s\nuncommitted on a majority within 1s\nno leader known within 3s').statements, [
    { kind: 'all hold', key: 'a', value: 'x', withinMs: 2_000 },
    { kind: 'uncommitted on a majority', withinMs: 1_000 },
    { kind: 'no leader known', withinMs: 3_000 },
  ])
  t.match(script('one leader within 5s\nnew leader within 50ms\nsame leader\nno leader').statements, [
    { kind: 'one leader', withinMs: 5_000 },
    { kind: 'new leader', withinMs: 50 },
    { kind: 'same leader' },
    { kind: 'no leader' },
  ])
  t.match(script('logs under 80 entries\nn3 has a snapshot within 5s\nwipe n3\nall hold a (absent)').statements, [
    { kind: 'logs under', entries: 80 },
    { kind: 'has a snapshot', word: 'n3', withinMs: 5_000 },
    { kind: 'fault', fault: { word: 'wipe', nodes: ['n3'] } },
    { kind: 'all hold', key: 'a', value: null },
  ])
  t.match(script('add n6 & -> done\nremove old force\nreconfigure leader 2 followers -> refused').statements, [
    { kind: 'change', change: 'add', words: ['n6'], isForced: false, background: true, expected: [{ kind: 'done' }] },
    { kind: 'change', change: 'remove', words: ['old'], isForced: true, background: false, expected: [] },
    { kind: 'change', change: 'reconfigure', words: ['leader', '2', 'followers'], expected: [{ kind: 'refused' }] },
  ])
  t.match(script('voters n1 n2 within 5s\nlearners n6\nchange under way within 5s').statements, [
    { kind: 'voters', words: ['n1', 'n2'], withinMs: 5_000 },
    { kind: 'learners', words: ['n6'], withinMs: 0 },
    { kind: 'change under way', words: [], withinMs: 5_000 },
  ])
  t.match(
    script('hand over\nhand over to old & -> done or refused\nload 3 clients 4 calls -> no call lost\nstop n1')
      .statements,
    [
      { kind: 'hand over', words: [], background: false, expected: [] },
      { kind: 'hand over', words: ['old'], background: true, expected: [{ kind: 'done' }, { kind: 'refused' }] },
      { kind: 'load', isWhole: true },
      { kind: 'fault', fault: { word: 'stop', nodes: ['n1'] } },
    ],
  )
  t.match(script('c1 opens a session\nc1 get a {"consistency":"stale"} @n3 & -> "1"').statements, [
    { kind: 'opens', client: 'c1' },
    { kind: 'call', words: 'get a @n3', fields: { consistency: 'stale' }, background: true },
  ])
  const [sends] = script("r1 sends '\\360\\235\\222\\263é\\r\\n\\\\' one byte at a time").statements
  t.same(sends, { ...sends, bytes: Buffer.from('𝒳é\r\n\\'), bytewise: true })
})

t.test('what cannot be read is named by file and line, and what would be right is said', async (t) => {
  const wrong: [string, RegExp][] = [
    ['hello', /^X1.txt:1: the first line is an id and a title/],
    ['X1 A title\n\nsettle', /^X1.txt:1: the header lacks its guarantee, such as `guarantee G5`/],
    ['X1 A title\nguarantee G99\n\nsettle', /^X1.txt:2: no guarantee G99; there are G1 to G16/],
    ['X1 A title\ndeadline soon', /^X1.txt:2: a deadline is a time, such as `deadline 500ms`/],
    ['X1 A title\ndrivers none', /^X1.txt:2: `drivers real` is for what needs real sockets/],
    ['X1 A title\nbelieves n1', /^X1.txt:2: write `believes n1: n2`/],
    ['X1 A title\nfrom now on', /^X1.txt:2: write `from stage 2`/],
    ['X1 A title\nservice', /^X1.txt:2: write `service promised`/],
    ['X1 A title\nsnapshots often', /^X1.txt:2: write `snapshots every 20 entries`/],
    ['X1 A title\nguarantee G5', /^X1.txt:2: after a blank line comes what is done/],
    [`${header}dance`, /^X1.txt:4: not understood: "dance"; a line is a # comment, a fault word/],
    [`${header}kill`, /^X1.txt:4: usage: kill n3/],
    [`${header}delay 5ms`, /`delay 1..50ms` or `delay off`/],
    [`${header}delay 9..1ms`, /the shorter delay comes first/],
    [`${header}wait long`, /`wait 200ms` or `wait 2s`/],
    [`${header}load 1 clients 2 calls over there`, /`load 10 clients/],
    [`${header}lose some`, /`lose 10%` or `double 10%`/],
    [`${header}old =`, /as many names as nodes: `old = leader`/],
    [`${header}x y = 3 followers`, /as many names as nodes/],
    [`${header}one leader`, /`one leader within 5s`, `new leader within 5s`, `no leader known within 5s`, `same/],
    [`${header}new leader within reach`, /`one leader within 5s`/],
    [`${header}all hold`, /`all hold KEY VALUE \[within 5s\]` or/],
    [`${header}uncommitted`, /`uncommitted on a majority within 5s`/],
    [`${header}change over`, /`change under way \[within 5s\]`/],
    [`${header}logs under water`, /`logs under 80 entries`/],
    [`${header}n3 has a snapshot soon`, /`n3 has a snapshot within 5s`/],
    [`${header}add`, /`add n6 \[&\] \[-> done\]`/],
    [`${header}remove n1 n2`, /`remove n5 \[force\]/],
    [`${header}hand it over`, /`hand over \[to n3\] \[&\] \[-> done\]`/],
    [`${header}voters n1 within reach`, /`voters n1 n2 n3 \[within 5s\]`/],
    [`${header}load much`, /`load 10 clients 30 calls \[over 20s\] \[&\] \[-> no call lost\]`/],
    [
      `${header}c1 get a {consistency}`,
      /fields beside a command are a JSON object, which this is not: \{consistency\}/,
    ],
    [`${header}c1 get a -> maybe`, /^X1.txt:4: "maybe" is nothing to expect: done, "value", \(absent\)/],
    [`${header}c1 get a -> done, so`, /", so" is left over/],
    [`${header}c1 get a -> refused timeout`, /no code timeout goes with refused; there are bad_request/],
    [`${header}c1 get a -> "\\q"`, /"\\q" is no JSON string/],
    [`${header}c1`, /not understood: "c1"; `c1 set a 1/],
    [`${header}r1 sings`, /`r1 sends '…'/],
    [`${header}r1 sends '\\q'`, /there is no escape \\q; there are/],
    [`${header}r1 sends '100%'`, /write \\045/],
    [`${header}r1 receives nothing`, /what is received is a JSON object, which this is not: nothing/],
    [`${header}repeat 2\nsettle`, /^X1.txt:4: this `repeat` lacks its `end`/],
    [`${header}repeat 2\nrepeat 3`, /^X1.txt:5: the repeat of line 4 has no `end` yet/],
    [`${header}end`, /there is no `repeat` that this `end` could end/],
  ]
  for (const [text, message] of wrong) {
    t.throws(() => parseScenario(text, 'X1.txt'), { name: 'NotationError', message }, text)
  }
})
