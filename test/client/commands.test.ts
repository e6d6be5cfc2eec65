import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { size } from '../helpers/effort.js'
import { cli } from '../helpers/running.js'

const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))

t.test('sim: seeds, what they broke, and the command that plays one again', async (t) => {
  const seeds = size(2, 12)
  const swept = await cli(['sim', '2', '--seeds', String(seeds)])
  t.match(swept, {
    code: 0,
    stdout: new RegExp(`^stage 2, storm: ${seeds} seeds, \\d+ operations, \\d+ s of virtual time\ndone \\d+`),
    stderr: '',
  })
  t.match(swept.stdout, /✘ G12 .* \(as the stage says of itself\)\n {2}stage 2, seed 1\n/)
  t.match(swept.stdout, /again: npx raft-roadmap sim 2 --climate storm --seed 1\n/)
  t.match(await cli(['sim', '0', '--climate', 'calm', '--seeds', '3']), { code: 0, stdout: /✔ nothing was found/ })

  const file = join(folder, 'run.ndjson')
  const [once, again] = [
    await cli(['sim', '2', '--seed', '7', '--json', '--trace', file]),
    await cli(['sim', '2', '--seed', '7', '--json']),
  ]
  t.same(once, again, 'the same seed, the same line')
  t.match(JSON.parse(once.stdout), {
    seed: 7,
    climate: 'storm',
    traceHash: /^[0-9a-f]{32}$/,
    counters: { done: Number },
  })
  const events = readFileSync(file, 'utf8').trimEnd().split('\n')
  t.match(JSON.parse(events.find((line) => line.includes('"receive"'))!), {
    event: 'receive',
    node: /n\d/,
    at: Number,
    message: {},
  })
  t.match(await cli(['sim', '2', '--trace', file]), { code: 2, stderr: /--trace needs --seed/ })
})

t.test('break: the wrong rules of a stage, and the disaster of one', async (t) => {
  t.match(await cli(['break', '2']), { code: 0, stdout: /majority-off-by-one\n {3}half of the nodes/ })
  t.match(await cli(['break', '1']), { code: 0, stdout: /no wrong rules of its own/ })
  const broken = await cli(['break', '2', 'answer-before-majority'])
  t.match(broken, { code: 0, stdout: /breaks G4.*\nstage 2, seed \d+\n(.*\n)*✘ G4 OK, and only \d of 5 nodes hold it/ })
  t.match(await cli(['break', '2', 'nonsense']), {
    code: 2,
    stderr: /no wrong rule "nonsense"; there are: majority-off-by-one/,
  })
})

t.test('check: a history from a file, a pipe or the REPL', async (t) => {
  const line = (call: number, command: object, more: object) =>
    `${JSON.stringify({ client: 'c1', command, call, return: call + 1, outcome: 'done', ...more })}\n`
  const good =
    line(0, { command: 'set', key: 'a', value: '1' }, {}) +
    line(2, { command: 'get', key: 'a' }, { answer: { value: '1' } })
  const stale = good + line(4, { command: 'get', key: 'a' }, { answer: { value: null } })
  t.match(await cli(['check'], good), { code: 0, stdout: /✔ linearizable: 2 operations on 1 key / })
  const file = join(folder, 'stale.ndjson')
  writeFileSync(file, stale)
  t.match(await cli(['check', file]), {
    code: 1,
    stdout: /✘ not linearizable.*"a" fit no single copy\n\n.*\n(.*\n)*Impossible: /,
  })
  t.match(JSON.parse((await cli(['check', file, '--json'])).stdout), {
    verdict: 'violation',
    violations: [{ key: 'a' }],
  })
  t.match(await cli(['check'], '{"client":\n'), { code: 2, stderr: /Could not parse row/ })
  t.match(await cli(['check'], `${good}{"client":1}\n`), { code: 2, stderr: /record 3: client must be a string/ })
  t.match(await cli(['check', join(folder, 'nowhere')]), { code: 2, stderr: /ENOENT/ })

  const session = join(folder, 'session.ndjson')
  const typed = `set a 1\ncut n1 > n3\nset a 2\nget a @n3\ncheck\nsave ${session}\nsave\nsave ${folder}\n`
  const repl = await cli(['run', '2', '--base-port', '0'], typed)
  t.match(repl, {
    code: 2,
    stdout: /✘ not linearizable(.|\n)*3 operations written(.|\n)*usage: save FILE\ncannot write .*EISDIR/,
  })
  t.match(await cli(['check', session]), { code: 1, stdout: /repl {2}get -> "1"/ })
})
