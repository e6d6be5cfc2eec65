/**
 * Trials of hosts whose packets are delayed, as a program that runs in namespaces of its own.
 * `test/cluster/slow-hosts.test.ts` starts it.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ndjson from 'ndjson'
import t from 'tap'
import { performHostFault } from '../../src/server/hosts/host-words.js'
import { Hosts } from '../../src/server/hosts/hosts.js'

/** The file to which the process id of the line is written. */
const [pidFile] = process.argv.slice(2)
const probe = fileURLToPath(new URL('probe.js', import.meta.url))
const names = ['n1', 'n2', 'n3', 'n4']
/** Datagrams that are under way together. */
const many = 40

const hosts = await Hosts.open()
for (const name of names) await hosts.add(name)

function startOn(name: string, ...words: readonly string[]) {
  const [program, ...rest] = hosts.commandOn(name, [process.execPath, probe, ...words])
  const child = spawn(program!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => child.kill('SIGKILL'))
  return child
}

/** What became of datagrams: in which order they came back, and milliseconds of the quickest. */
interface Came {
  readonly numbers: readonly number[]
  readonly quickestMs: number
}

/** Sends datagrams from one host to another and back. */
function send(
  from: string,
  to: string,
  count: number,
): { readonly sent: Promise<unknown>; readonly came: Promise<Came> } {
  const lines = startOn(from, 'ask', hosts.addressOn(to), String(count)).stdout.pipe(ndjson.parse())
  const came = new Promise<Came>((resolve) => lines.on('data', (line) => 'numbers' in line && resolve(line)))
  return { sent: once(lines, 'data'), came }
}

const ask = (from: string, to: string, count = 1) => send(from, to, count).came

async function say(line: string): Promise<void> {
  t.notOk('problem' in (await performHostFault(hosts, line)), line)
}

const sent = Array.from({ length: many }, (_, number) => number)
const sorted = (numbers: readonly number[]) => numbers.toSorted((one, other) => one - other)

await Promise.all(names.map((name) => once(startOn(name, 'echo').stdout, 'data')))

t.test('what a host sends takes as long as it is told, in order', async (t) => {
  await say('delay n3 80ms')
  for (const [from, to] of [
    ['n1', 'n3'],
    ['n3', 'n1'],
  ] as const) {
    const { numbers, quickestMs } = await ask(from, to, many)
    t.ok(quickestMs >= 80, `from ${from} to ${to} and back: ${quickestMs} ms`)
    t.same(numbers, sent, 'none overtakes another')
  }
})

t.test('a time that is drawn for each packet lets them overtake each other', async (t) => {
  await say('delay n3 0..200ms')
  const { numbers } = await ask('n1', 'n3', many)
  t.not(String(numbers), String(sent), 'they come in another order')
  t.same(sorted(numbers), sent, 'and none is lost')
})

t.test('a host that moves stays as far away', async (t) => {
  await say('delay n3 80ms')
  for (const name of ['n3', 'n1']) {
    await say(`move ${name}`)
    t.ok((await ask('n1', 'n3')).quickestMs >= 80, `after ${name} has moved`)
  }
})

t.test('packets take their time from one site to another', async (t) => {
  await say('delay n3 off')
  await say('sites 30ms n1,n2 n3')
  for (const [from, to] of [
    ['n1', 'n3'],
    ['n3', 'n4'],
    ['n4', 'n2'],
  ] as const)
    t.ok((await ask(from, to)).quickestMs >= 60, `from ${from} to ${to}, and back`)
  await say('delay n1 40ms')
  t.ok((await ask('n1', 'n3')).quickestMs >= 100, 'a delay adds to the way between sites')
  t.ok((await ask('n1', 'n2')).quickestMs >= 40, 'and holds within a site')
})

t.test('a link that is cut stays cut, and heal mends it', async (t) => {
  await say('sites 60000ms n1')
  const held = send('n1', 'n3', 1)
  await held.sent
  await hosts.heal()
  const first = await Promise.race([held.came.then(() => 'held'), ask('n1', 'n3').then(() => 'healed')])
  t.equal(first, 'healed', 'a datagram that is sent after heal is back before the one that was sent before')
  await hosts.cut(['n1>n3'])
  await say('sites 1ms n1')
  const lost = send('n1', 'n3', 1)
  await lost.sent
  const back = await Promise.race([lost.came.then(() => 'lost'), ask('n1', 'n2').then(() => 'carried')])
  t.equal(back, 'carried', 'packets over a cut link are lost, delayed or not')
})

/** Finds a program that this process has started. */
function childCalled(name: string): number | undefined {
  const all = readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))
  return all.map(Number).find((pid) => {
    try {
      const [, called, rest] = /\((.*)\) \w (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? []
      return called === name && Number(rest) === process.pid
    } catch {
      return false
    }
  })
}

t.test('the line is a program that ends with this one', async (t) => {
  const pid = childCalled('socat')
  t.ok(pid)
  writeFileSync(pidFile!, String(pid))
})
