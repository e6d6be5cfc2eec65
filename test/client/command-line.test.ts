import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { Client } from '../../client/client.js'
import { splitArguments } from '../../client/commands/command-line.js'
import { longOnly, some } from '../helpers/effort.js'
import { bare, cli, finish, main, RunningCluster } from '../helpers/running.js'

const usages = ['list', 'run <stage>', 'client [command..]', 'break <stage> [rule]', 'check [file]', 'log <dir>']

t.test('the options of `client` end at its first word, and its words are taken as they are', async (t) => {
  const cases: [string[], string[]][] = [
    [
      ['set', 'a', '-x'],
      ['set', 'a', '-x'],
    ],
    [
      ['get', '--json'],
      ['get', '--json'],
    ],
    [
      ['--', 'set', 'dd', '1'],
      ['set', 'dd', '1'],
    ],
    [
      ['--json', 'scan', '', '--json'],
      ['scan', '', '--json'],
    ],
    [
      ['--connect', 'h:1', '--deadline=5', 'get', '-1'],
      ['get', '-1'],
    ],
    [
      ['set', '--', '--', '='],
      ['set', '--', '--', '='],
    ],
    [
      ['set', '007', '1e3'],
      ['set', '007', '1e3'],
    ],
    [
      ['set', '--no-x', 'true'],
      ['set', '--no-x', 'true'],
    ],
    [
      ['get', 'help'],
      ['get', 'help'],
    ],
    [
      ['get', '--help'],
      ['get', '--help'],
    ],
    [['--', '-x'], ['-x']],
    [
      ['', 'a'],
      ['', 'a'],
    ],
    [['--json'], []],
    [['--'], []],
  ]
  for (const [given, words] of cases) {
    const split = splitArguments(['client', ...given], usages)
    t.same(split.words, words, given.join(' '))
    t.equal(split.options.length + words.length + (given[0] === '--' ? 1 : 0), given.length + 1)
  }
})

t.test('nothing that stands in a command line is ignored', async (t) => {
  for (const [given, message] of [
    [['list', '--', 'foo'], /^`--` has a meaning only behind `client`/],
    [['--', 'client', 'get', 'a'], /^`--` has a meaning only behind `client`/],
    [['run', '2', '--host', 'a', '--host', 'b', '--headless'], /^--host is given more than once/],
    [['run', '2', '--nodes', '3', '--nodes=3'], /^--nodes is given more than once/],
    [['break', '2', '--rule', 'x'], /^--rule is a word, not an option: npx raft-roadmap break <stage> \[rule\]/],
    [['check', '--file', 'x'], /^--file is a word, not an option/],
    [['list', '--json=maybe'], /^--json takes no value; leave out "maybe"/],
    [['log', 'a', '--tail='], /^--tail= has no value/],
  ] as const)
    t.throws(() => splitArguments(given, usages), { name: 'UsageError', message }, given.join(' '))

  const unused = '127.0.0.1:9'
  const refused: readonly (readonly [string[], RegExp])[] = [
    [['client', '--connect', unused, ''], /^no command ""/],
    [['sim', '0', '--seed', '--json'], /^--seed must be a whole number/],
    [['list', 'foo'], /^there is no stage "foo"/],
    [['print', '2', '3'], /Unknown argument: 3/],
    [['list', '--no-json'], /Unknown argument/],
    [['run', '2', '--host.x=1'], /Unknown argument/],
    [['run', '2', '--headless', '--nodes'], /^--nodes needs a value/],
    [['sim', '0', '--climate', '--json'], /^--climate needs a value/],
    [['sim', '0', '--seeds', '1e3'], /^--seeds must be a whole number/],
    [['client', '--connect'], /^--connect needs a value/],
    [['client', '--connect', unused, '-x'], /Unknown argument: x/],
    [['client', '--connect', unused, '{}'], /^a request in JSON is an object with a "command"/],
    [['client', '--connect', unused, '{'], /^this is no request: /],
  ]
  for (const [given, stderr] of some(4, refused))
    t.match(await cli(given), { code: 2, stdout: '', stderr }, given.join(' '))
})

t.test('every option without a value is known to be one', async (t) => {
  const source = readFileSync(new URL('../../../client/commands/command-line.ts', import.meta.url), 'utf8')
  const others = ['list', 'node', 'client', 'scenario', 'sim', 'break', 'check', 'compare', 'print']
  for (const verb of ['run', 'log', ...some(0, others)]) {
    const { stdout } = await cli([verb, '--help'])
    const options = stdout.slice(stdout.indexOf('Options:')).split(/\n(?= {2,6}(?:-h, )?--)/)
    for (const option of options.filter((text) => text.includes('[boolean]')))
      t.ok(source.includes(`'${/--([\w-]+)/.exec(option)![1]}'`), `${verb}: ${option.trim().slice(0, 30)}`)
  }
})

t.test('check - reads standard input', async (t) => {
  const line = `${JSON.stringify({ client: 'c', command: { command: 'get', key: 'a' }, call: 0, return: 1, outcome: 'done', answer: { value: null } })}\n`
  t.match(await cli(['check', '-'], line), { code: 0, stdout: /linearizable: 1 operations/ })
})

t.test('words that look like something else, in a cluster', async (t) => {
  const cluster = await new RunningCluster(t, 0, ['--nodes', '1']).ready()
  const once = (...words: string[]) => cli(['client', '--connect', cluster.addresses()[0]!, ...words])
  const awkward = [
    '--json',
    '007',
    '\n',
    '-x',
    '--',
    '-1',
    '1e3',
    'true',
    '--no-x',
    '=',
    '--connect=x',
    'a b',
    '"',
    '{}',
  ]
  const keys = some(3, awkward)
  for (const key of keys)
    t.same(await once('set', key, key), { code: 0, stdout: 'ok\n', stderr: '' }, JSON.stringify(key))
  t.same(await once('get', '--json'), { code: 0, stdout: '--json\n', stderr: '' })
  t.same(await once('--', 'set', 'dd', ''), { code: 0, stdout: 'ok\n', stderr: '' })
  t.same(await once('--json', 'get', 'dd'), { code: 0, stdout: '{"ok":true,"value":""}\n', stderr: '' })
  t.same(await once('{"id":7,"command":"set","key":"\\u0000","value":"nul"}'), { code: 0, stdout: 'ok\n', stderr: '' })
  const all = JSON.parse((await once('--json', 'scan')).stdout).entries as [string, string][]
  t.same(Object.fromEntries(all), { ...Object.fromEntries(keys.map((key) => [key, key])), dd: '', '\0': 'nul' })
  const lines = '{"command":"set","key":"j","value":"1"}\n{"command":"get","key":"j"}\n{"command":\n'
  t.match(await cli(['client', '--connect', cluster.addresses()[0]!], lines), { code: 2, stdout: /^ok\n"1"\n/ })
})

/** Keys that a shell would misread, each the last of its page. */
const awkward = ['--json', 'a b"$(x)\n', 'd\0']
const between = ['!', 'A', 'b']

function hasJq(): boolean {
  try {
    execFileSync('jq', ['--version'])
    return true
  } catch {
    return false
  }
}

const needed = hasJq() ? longOnly : { skip: 'needs jq(1)' }

t.test('the copy of the data by hand, by its letter', needed, async (t) => {
  const page = readFileSync(new URL('../../../client/cluster/OPERATIONS.md', import.meta.url), 'utf8')
  const [, loop] = /```sh\n(REQUEST=(?:.|\n)*?)```/.exec(page)!
  const cluster = await new RunningCluster(t, 0, ['--nodes', '1']).ready()
  const client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
  t.teardown(() => client.close())
  const fillers = between.flatMap((prefix) => Array.from({ length: 999 }, (_, at) => `${prefix}${1000 + at}`))
  const keys = [...awkward, ...fillers, 'ключ']
  await Promise.all(keys.map((key) => client.set(key, `${key}'s`)))
  const folder = t.testdir({})
  const copy = (at: string) =>
    finish(
      bare('bash', ['-c', `cd ${folder}; AT=${at}; raft-roadmap() { ${process.execPath} ${main} "$@"; }\n${loop}`]),
    )
  t.match(await copy(cluster.addresses().join(',')), { code: 0, stdout: '', stderr: '' })
  const copied = readFileSync(join(folder, 'backup.ndjson'), 'utf8').trimEnd().split('\n')
  t.equal(copied.length, keys.length, 'each once')
  const read = copied.map((line) => JSON.parse(line) as { key: string; value: string })
  t.same(read.map(({ key }) => key).sort(), [...keys].sort())
  t.ok(read.every(({ key, value }) => value === `${key}'s`))

  const part = read
    .filter(({ key }) => awkward.includes(key))
    .map((set) => `${JSON.stringify({ ...set, value: 'back' })}\n`)
  t.match(await cli(['client', '--connect', cluster.addresses().join(',')], part.join('')), { code: 0 })
  for (const key of awkward) t.equal(await client.get(key), 'back', JSON.stringify(key))

  writeFileSync(join(folder, 'backup.ndjson'), '')
  t.match(await copy('127.0.0.1:9'), { stdout: 'this copy is not whole\n' }, 'a copy that fails says so, and ends')
})

t.test('a shell completes a command, and the options of one', async (t) => {
  const completions = async (...words: string[]) =>
    (await cli(['--get-yargs-completions', 'raft-roadmap', ...words])).stdout.split('\n')
  t.ok((await completions('lo')).includes('log'))
  t.ok((await completions('log', '--')).includes('--verify'))
})
