import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { escapeHtml, matrixAsPage } from '../client/proof/compare-page.js'
import { cellAt, matrixAsMarkdown, matrixAsText, problemsOf } from '../client/proof/compare-text.js'
import { players, recordedOnHosts, scenarios } from '../client/proof/players.js'
import { printStage } from '../client/text/print-stage.js'
import { sideBySide } from '../client/text/side-by-side.js'
import type { GuaranteeId } from '../src/contracts.js'
import { type Cell, restsOn } from '../src/proof/cell.js'
import { declared, guaranteeIds } from '../src/proof/declared.js'
import { difference } from '../src/proof/difference.js'
import { computeMatrix, type Matrix } from '../src/proof/matrix.js'
import type { Played, Scenario, Verdict } from '../src/proof/scenario/scenario.js'
import type { Stage } from '../src/stage.js'
import { stages } from '../stages/index.js'
import { isLong, size, some } from './helpers/effort.js'
import { cli } from './helpers/running.js'

const [keyValueStore, client, naiveReplication] = stages as [Stage, Stage, Stage]

t.test('every stage is what it says: it keeps what it gives, and breaks what it says it breaks', async (t) => {
  const tried = size([naiveReplication], stages)
  const whole = { scenarios: scenarios(), seeds: 10, onHosts: recordedOnHosts(), complete: true }
  const matrix = await computeMatrix({ stages: tried, players, ...whole })
  t.same(problemsOf(matrix), [])
  for (const { number } of tried) {
    for (const id of guaranteeIds) {
      const { verdict, witness } = cellAt(matrix, number, id)
      t.equal(verdict, declared(stages[number]!, id), `${id} at stage ${number}`)
      if (verdict !== 'violated' && verdict !== 'unavailable') continue
      t.ok(witness && witness.lines.length > 0 && witness.lines.length <= 10, `${id} at stage ${number} has a witness`)
      t.match(witness?.replay, /^npx raft-roadmap (scenario \w+ --stage \d+|sim \d+ --climate \w+ --seed \d)/)
    }
  }
  const page = matrixAsPage(matrix)
  const text = matrixAsText(matrix)
  for (const { stage, guarantee, witness } of matrix.cells) {
    if (!witness) continue
    const where = `${guarantee} at stage ${stage}`
    t.ok(
      [...witness.lines, witness.replay].every((line) => page.includes(escapeHtml(line))),
      `the page has ${where}`,
    )
    t.match(text, new RegExp(`[✘◌] ${guarantee} at stages? [\\d, ]*\\b${stage}\\b`), `the text has ${where}`)
  }
})

/** A scenario of which only the name and the guarantee matter. */
function invented(id: string, guarantee: GuaranteeId, title = 'invented'): Scenario {
  return { id, guarantee, title, about: '', drivers: ['virtual'], fromStage: 0, statements: [] } as unknown as Scenario
}

/** The matrix of one stage whose scenarios end as the test would have it. */
async function matrixOf(
  stage: Stage,
  ends: Record<string, [GuaranteeId, Verdict]>,
  complete: boolean,
): Promise<Matrix> {
  const play = async (scenario: Scenario): Promise<Played> => {
    const verdict = ends[scenario.id]![1]
    return {
      scenario,
      stage: stage.number,
      driver: 'virtual',
      verdict,
      fingerprint: null,
      transcript: [],
      outcomes: [],
      witness: [`seen in ${scenario.id}`],
    }
  }
  const some = Object.entries(ends).map(([id, [guarantee]]) => invented(id, guarantee))
  return computeMatrix({ stages: [stage], scenarios: some, seeds: 0, players: { virtual: play }, complete })
}

const honest: Stage = { ...naiveReplication, gives: ['G4'], breaks: { G5: 'X2' } }

t.test('the matrix is wrong when a stage breaks what it gives, and when it keeps what it says it breaks', async (t) => {
  const ends = async (g4: Verdict, g5: Verdict, complete = true) =>
    problemsOf(await matrixOf(honest, { X1: ['G4', g4], X2: ['G5', g5] }, complete))
  t.same(await ends('holds', 'violated'), [])
  t.same(await ends('violated', 'violated'), ['stage 2 says that it gives G4, but the verdict is "violated" (X1)'])
  t.same(await ends('unavailable', 'violated'), [
    'stage 2 says that it gives G4, but the verdict is "safe but unavailable" (X1)',
  ])
  t.same(await ends('holds', 'holds'), ['stage 2 says that it breaks G5, but the verdict is "holds" (X2)'])
  t.same(await ends('holds', 'unavailable'), [
    'stage 2 says that it breaks G5, but the verdict is "safe but unavailable" (X2)',
  ])
  t.same(await ends('holds', 'holds', false), [], 'a part of the suite need not break everything')
  t.match(await ends('violated', 'holds', false), [/gives G4/], 'but it may not break what is given')
})

t.test('a stage that stands still is safe but unavailable; to give or to break what it stalls is wrong', async (t) => {
  const still: Stage = { ...naiveReplication, gives: [], breaks: {}, stalls: { G7: 'X1' } }
  const matrix = async (end: Verdict) => matrixOf(still, { X0: ['G7', 'holds'], X1: ['G7', end] }, true)
  t.same(problemsOf(await matrix('unavailable')), [])
  t.same(cellAt(await matrix('unavailable'), 2, 'G7').witness?.lines, ['seen in X1'])
  t.match(matrixAsText(await matrix('unavailable')), /◌ G7 at stage 2/)
  t.match(problemsOf(await matrix('holds')), [/keeps, by standing still, G7, but the verdict is "holds"/])
  t.match(problemsOf(await matrix('violated')), [/but the verdict is "violated" \(X1\)/])
})

t.test('what is declared and not tested is wrong, unless only a part was to be run', async (t) => {
  const nothing = await matrixOf(honest, {}, true)
  t.match(problemsOf(nothing), [/gives G4, and nothing tests it/, /breaks G5, and nothing tests it/])
  t.equal(cellAt(nothing, 2, 'G4').verdict, 'untested')
  t.equal(cellAt(nothing, 2, 'G6').verdict, 'not applicable')
  t.same(problemsOf(await matrixOf(honest, {}, false)), [])
})

t.test(
  'one violation outweighs a standstill, and that what holds; the scenario named in the table shows it',
  async (t) => {
    const matrix = await matrixOf(
      honest,
      {
        X0: ['G5', 'violated'],
        X2: ['G5', 'violated'],
        X3: ['G5', 'unavailable'],
        X4: ['G5', 'holds'],
        X5: ['G6', 'violated'],
      },
      true,
    )
    const { verdict, trials, witness } = cellAt(matrix, 2, 'G5')
    t.equal(verdict, 'violated')
    t.same(
      trials.map(({ trial }) => trial),
      ['X0', 'X2', 'X3', 'X4'],
    )
    t.same(witness?.lines, ['seen in X2'])
    t.same(cellAt(matrix, 2, 'G6').trials, [], 'of what a stage says nothing of, nothing is run')
    const misnamed = await matrixOf(honest, { X1: ['G4', 'holds'], X2: ['G5', 'holds'], X3: ['G5', 'violated'] }, true)
    t.match(problemsOf(misnamed), [/breaks G5 and names X2 to show it, where the verdict is "holds"/])
  },
)

t.test('a scenario for real processes is not played where there are none', async (t) => {
  const real = { ...invented('X1', 'G4'), drivers: ['real'] } as Scenario
  const matrix = await computeMatrix({
    stages: [honest],
    scenarios: [real],
    seeds: 0,
    players: { virtual: players.virtual },
    complete: true,
  })
  t.same(matrix.notPlayed, ['X1'])
  t.match(matrixAsText(matrix), 'not played, for want of real processes: X1')
})

t.test('a play on hosts that is on record counts as long as its script and its stage are the same', async (t) => {
  const played = {
    verdict: 'violated',
    driver: 'virtual',
    fingerprint: 'f1',
    transcript: [],
    outcomes: [],
    witness: [],
  } as const
  const virtual = async (scenario: Scenario, { number }: Stage): Promise<Played> => ({
    ...played,
    scenario,
    stage: number,
  })
  const onRecord = (play: string) =>
    computeMatrix({
      ...{ stages: [honest], scenarios: [invented('X2', 'G5')], seeds: 0, players: { virtual }, complete: false },
      onHosts: [{ scenario: 'X2', stage: 2, verdict: 'violated', play, on: '2026-01-31' }],
    })
  const same = await onRecord('f1')
  t.equal(restsOn(cellAt(same, 2, 'G5')), 'virtual time and hosts')
  const count = 'trials: 1 in virtual time, 1 on hosts; those on hosts are on record, of 2026-01-31'
  t.match(matrixAsText(same), count)
  t.match(matrixAsPage(same), `<p>${count}</p>`)
  const changed = await onRecord('f2')
  t.equal(restsOn(cellAt(changed, 2, 'G5')), 'virtual time')
  t.match(matrixAsText(changed), /1 on hosts do not count, because .* changed since: X2 at stage 2/)
})

t.test('progress is told up to the end', async (t) => {
  const told: [number, number, string][] = []
  const onProgress = (done: number, total: number, what: string) => void told.push([done, total, what])
  await computeMatrix({ stages: [client], scenarios: [], seeds: 2, players, complete: false, onProgress })
  t.same(told[0], [0, 2, 'stage 1, calm seeds'])
  t.same(told[2], [2, 2, 'stage 1, calm seeds'])
  t.same(told.at(-1), [2, 2, 'stage 1, G16: the witness'])
})

t.test('the page trusts nothing that it shows', async (t) => {
  const hostile = `</pre><script>alert("1")</script> & 'x' \x1b[31m`
  const cell: Cell = {
    stage: 0,
    guarantee: 'G7',
    declared: 'violated',
    verdict: 'violated',
    trials: [{ trial: hostile, verdict: 'violated', note: hostile, driver: 'real' }],
    witness: { lines: [hostile], replay: hostile },
    problem: hostile,
  }
  const rest = guaranteeIds.filter((id) => id !== 'G7')
  const quiet = rest.map((guarantee): Cell => {
    return { ...cell, guarantee, verdict: 'untested', trials: [], witness: null, problem: null }
  })
  const matrix = {
    stages: [{ number: 0, title: hostile }],
    cells: [cell, ...quiet],
    notPlayed: [],
    onHosts: { days: [], stale: [] },
  }
  const page = matrixAsPage(matrix, () => 'stages/"><script>')
  t.notMatch(page, /<script|"1"| 'x' /)
  t.notOk(page.includes('\x1b'), 'nothing that a terminal would obey')
  const escaped = '&lt;/pre&gt;&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; \ufffd[31m'
  t.ok(page.split(escaped).length > 6, 'title, problem twice, trial, note, witness and command')
  t.notMatch(page, /\bsrc=|<link|url\(|@import/, 'it needs nothing else')
  t.match(page, /popovertarget="stage-0-G7"[\s\S]*<section popover id="stage-0-G7"/)
  t.match(page, 'prefers-color-scheme: dark')
})

t.test('a table of Markdown has a row a guarantee and a column a stage', async (t) => {
  const lines = matrixAsMarkdown(stages, (number, id) => declared(stages[number]!, id)).split('\n')
  t.equal(lines[0], `| guarantee | ${stages.map(({ number }) => number).join(' | ')} |`)
  const rows = lines.filter((line) => line.startsWith('| **G'))
  t.equal(rows.length, guaranteeIds.length)
  for (const row of rows) t.match(row, new RegExp(`^\\| \\*\\*G\\d+\\*\\* [^|]+( \\| [✔✘◌–]){${stages.length}} \\|$`))
})

const names = (rules: readonly { slot: string; name: string }[]) => rules.map(({ slot, name }) => `${slot}=${name}`)

t.test('from 1 to 2: replication is added, writes are replaced, reads and the client are kept', async (t) => {
  const { added, replaced, removed, kept, messages, gained, lost, newlyBroken } = difference(client, naiveReplication)
  t.same(names(added), [
    'on.Replicate=performAtOnce',
    'on.Replicated=countAcknowledgement',
    'messages.Replicate=Replicate',
    'messages.Replicated=Replicated',
    'verbs.settle=settleAtMajority',
    'tick.giveUp=giveUp',
  ])
  t.same(
    replaced.map(({ slot, before, after }) => `${slot}: ${before.name} → ${after.name}`),
    ['state: server → naiveReplica', 'requests.write: write → replicate'],
  )
  t.same(removed, [])
  t.same(
    names(kept).filter((name) => /^(requests|client|verbs)/.test(name)),
    [
      'requests.read=read',
      'requests.info=info',
      'requests.ping=ping',
      'verbs.status=status',
      'client.state=client',
      ...['call', 'answered', 'connected', 'disconnected', 'elapsed', 'closed', 'take'].map(
        (rule) => `client.${rule}=${rule}`,
      ),
    ],
  )
  t.same(messages, ['Replicate', 'Replicated'])
  t.ok(gained.includes('G4') && lost.includes('G3') && newlyBroken.includes('G6'))
  t.same(difference(stages[3]!, stages[4]!).stalled, ['G7', 'G12'])
})

t.test(
  'from 5 to 6: the gate and the rules at the start, at the disk and at the end of a turn are compared, too',
  async (t) => {
    const { added, removed, gained } = difference(stages[5]!, stages[6]!)
    for (const rule of ['turn.commitOwnTerm=commitOwnTerm', 'gate.observeTerm=observeTerm'])
      t.ok(names(added).includes(rule), rule)
    const former = [
      'gate.hearTerm=hearTerm',
      'start.beginTerm=beginTerm',
      'durable.takeOffice=takeOffice',
      'turn.commitByMajority=commitByMajority',
    ]
    for (const rule of former) t.ok(names(removed).includes(rule), rule)
    t.ok(gained.includes('G7'))
  },
)

t.test('backwards it is the other way round, and a stage does not differ from itself', async (t) => {
  const back = difference(naiveReplication, client)
  t.equal(back.removed.length, 6)
  t.same([back.added, back.messages], [[], []])
  const same = difference(naiveReplication, naiveReplication)
  t.same([same.added, same.replaced, same.removed, same.messages, same.gained, same.lost], [[], [], [], [], [], []])
  const { table: _table, ...bare } = naiveReplication as Stage & { table: unknown }
  t.throws(() => difference(keyValueStore, bare), /stage 2 was not made by stage\(\)/)
})

t.test('side by side, equal lines stand beside each other', async (t) => {
  t.equal(sideBySide(['a', 'b', 'c', 'd'], ['a', 'x', 'c', 'e', 'f'], 80), 'a │ a\nb ┃ x\nc │ c\nd ┃ e\n  ┃ f')
  t.match(sideBySide(['x'.repeat(30)], ['y'], 43), `${'x'.repeat(20)} ┃ y\n    ${'x'.repeat(10)}`)
  t.equal(sideBySide([], [], 80), '')
})

t.test('print: the table, then each rule file once, in stage order, with nothing left to look up', async (t) => {
  const text = await printStage(naiveReplication)
  const headings = [...text.matchAll(/^\/\/ ---- stage (\d), .*: (\S+) -+$/gm)].map((match) => match[2]!)
  t.equal(headings[0], 'stages/2-naive-replication/stage.ts')
  t.same(
    headings.slice(1),
    [...new Set(headings.slice(1))].sort((a, b) => Number(a[7]) - Number(b[7])),
  )
  t.same(headings.slice(1).sort(), [
    ...['commands', 'key-value', 'operations', 'page', 'scan', 'server'].map(
      (file) => `stages/0-key-value-store/${file}.ts`,
    ),
    ...['answer', 'call', 'client', 'heard', 'link'].map((file) => `stages/1-client/${file}.ts`),
    ...['acknowledge', 'give-up', 'messages', 'quorum', 'redirect', 'replica', 'replicate'].map(
      (file) => `stages/2-naive-replication/${file}.ts`,
    ),
  ])
  t.notMatch(text, /from '\.|import\('/)
  t.equal(text.match(/^import /gm)?.length, 1, 'zod')
  t.match(text, '// Here client.table is the table of stages/1-client/stage.ts.')
  t.match(text, /requests {3}.*write: replicate/)
  for (const rule of ['function replicate(', 'function read(', 'function call(', 'function* scan(']) {
    t.equal(text.split(rule).length, 2, rule)
  }
})

t.test('print 0 knows nothing of later stages', async (t) => {
  const text = await printStage(keyValueStore)
  t.notMatch(text, /stages\/[12]|Replicate/)
  t.match(text, 'stage 0, key-value store: stages/0-key-value-store/server.ts')
})

t.test('the command line: exit 0 when all is as declared, 2 when it is asked for nonsense', async (t) => {
  const narrow = await cli(['compare', '--stages', '0,1', '--scenarios', 'N5', '--seeds', '3', '--json'])
  t.same([narrow.code, narrow.stderr], [0, ''])
  const matrix = JSON.parse(narrow.stdout) as Matrix
  t.same(
    matrix.stages.map(({ number }) => number),
    [0, 1],
  )
  t.equal(cellAt(matrix, 0, 'G7').verdict, 'violated')
  const folder = mkdtempSync(join(tmpdir(), 'compare-'))
  const page = join(folder, 'page.html')
  t.equal((await cli(['compare', '--scenarios', 'N3', '--seeds', '0', '--html', page])).code, 0)
  t.match(readFileSync(page, 'utf8'), 'npx raft-roadmap scenario N3 --stage 2')
  const two = await cli(['compare', '1', '2', '--scenario', 'N3'])
  t.match(two, { code: 0, stdout: /scenario N3/ })
  if (isLong) {
    const apart = await cli(['compare', '6', '8', '--json'])
    t.equal(apart.code, 0, 'scripts that only the later of the two can play are left out')
  }
  t.match(await cli(['print', '2']), { code: 0, stdout: /give-up\.ts/ })
})

t.test('the command line says what is wrong with what was asked', async (t) => {
  const wrong: readonly (readonly [words: string[], says: RegExp])[] = [
    [['compare', '1'], /two stages/],
    [['compare', '2', '1'], /the earlier of the two stages comes first/],
    [['compare', '1', '2', '--seeds', '5'], /--seeds is of the whole matrix/],
    [['compare', '1', '2', '--markdown'], /--markdown is of the whole matrix/],
    [['compare', '7', '8', '--scenario', 'M1'], /at stage 7 the members are fixed/],
    [['compare', '--scenario', 'N3'], /did you mean --scenarios/],
    [['compare', '--json', '--markdown'], /either --json or --markdown/],
    [['compare', '--scenarios', 'Z9'], /there is no scenario "Z9"; there are .*N3/],
    [['compare', '--stages', '0,x'], /there is no stage "x"/],
    [['compare', '--seeds', '-1'], /--seeds must be/],
    [['compare', '--html', '/nowhere/at/all.html'], /cannot write/],
    [['print', '99'], /there is no stage "99"/],
  ]
  for (const [words, says] of some(2, wrong)) {
    const { code, stdout, stderr } = await cli(words)
    t.same([code, stdout], [2, ''], words.join(' '))
    t.match(stderr, says)
  }
})
