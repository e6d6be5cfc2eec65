/**
 * The ten bad days of the runbook, played on real processes. The commands are taken out of the document and run by a shell, so
 * that the two cannot part: `node dist/test/runbook.test.js 2 10` plays two of the days.
 */
import { spawn } from 'node:child_process'
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Client } from '../client/client.js'
import { freeBasePort } from '../client/cluster/free-ports.js'
import type { KeyValueCommands } from '../client/commands-of.js'
import { localMembers } from '../src/network/local-members.js'
import { root } from './docs.js'
import { size } from './helpers/effort.js'
import { place } from './helpers/place.js'
import { bare, finish, main } from './helpers/running.js'

const text = readFileSync(join(root, 'client/cluster/RUNBOOK.md'), 'utf8')

/** A line of a block, and the exit code that stands behind it. */
interface Step {
  readonly command: string
  readonly code: number
}

interface Day {
  readonly number: number
  readonly title: string
  readonly steps: readonly Step[]
  /** Events and codes that the paragraph "You see" names. */
  readonly seen: readonly string[]
}

function readDays(): Day[] {
  return text
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [, number, title] = /^(\d+)\. (.*)$/m.exec(section)!
      const blocks = [...section.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
      const steps = blocks
        .join('')
        .split('\n')
        .filter(Boolean)
        .map((line): Step => {
          const [, command, code = '0'] = /^(.*?)(?: +# exit code (\d+))?$/.exec(line)!
          return { command: command!, code: Number(code) }
        })
      const [, paragraph = ''] = /\*\*You see\*\*(.*?)(?:\n\n|$)/s.exec(section) ?? []
      return {
        number: Number(number),
        title: title!,
        steps,
        seen: [...paragraph.matchAll(/`([a-z]+_[a-z_]+)`/g)].map(([, word]) => word!),
      }
    })
}

/** A cluster that has a bad day. */
interface World extends Awaited<ReturnType<typeof place>> {
  readonly test: Test
  readonly client: Client<KeyValueCommands>
  /** Starts a node of the file in the background with a script that is loaded before it, and through a shell. */
  start(
    id: string,
    options?: { readonly preload?: string; readonly shell?: string; readonly args?: readonly string[] },
  ): Promise<number | null>
  /** Everything that was printed or reported so far. */
  told(): string
  /** Waits until something was printed or reported. */
  until(what: string): Promise<void>
  /** Runs a line as a person would; says its exit code. */
  type(command: string): Promise<number | null>
  kill(...ids: readonly string[]): void
  forget(...ids: readonly string[]): void
}

const keys = ['a', 'b', 'c']

/** Addresses of the document, by the addresses that the nodes have here. */
async function addressBook(path: string): Promise<ReadonlyMap<string, string>> {
  const book = new Map<string, string>()
  const file = readFileSync(path, 'utf8')
  for (const [, number, client, peer] of file.matchAll(/n(\d): \{ client: '([^']+)', peer: '([^']+)'/g))
    book.set(`10.0.0.${number}:7001`, client!).set(`10.0.0.${number}:7101`, peer!)
  const free = localMembers(2, '127.0.0.1', await freeBasePort(2, '127.0.0.1'))
  for (const [at, number] of [4, 7].entries())
    book.set(`10.0.0.${number}:7001`, free[at]!.client).set(`10.0.0.${number}:7101`, free[at]!.peer)
  return book
}

async function world(t: Test, settings: string): Promise<World> {
  const at = await place(t, 3, settings)
  const { folder, path, addresses, verb, pidOf } = at
  const book = await addressBook(path)
  mkdirSync(join(folder, 'bin'))
  writeFileSync(join(folder, 'bin', 'npx'), `#!/bin/sh\nshift\nexec "${process.execPath}" "${main}" "$@"\n`)
  chmodSync(join(folder, 'bin', 'npx'), 0o755)
  const environment = { PATH: `${join(folder, 'bin')}:${process.env.PATH}`, AT: addresses.join() }
  let printed = ''
  const type: World['type'] = async (command) => {
    const line = command.replaceAll(/10\.0\.0\.\d:7[01]01/g, (address) => book.get(address)!)
    const { code, stdout, stderr } = await finish(bare('sh', ['-c', `cd "${folder}" && ${line}`], environment))
    printed += `$ ${line}\n${stdout}${stderr}`
    return code
  }
  const told = () => {
    const folders = readdirSync(join(folder, 'data')).filter((name) => name.endsWith('.process'))
    return printed + folders.map((name) => readEvents(join(folder, 'data', name))).join('')
  }
  const until: World['until'] = async (what) => {
    while (!told().includes(what)) await wait(50)
  }
  const start: World['start'] = async (id, { preload, shell = '', args = [] } = {}) => {
    const script = join(folder, `${id}.cjs`)
    writeFileSync(script, preload ?? '')
    const line = `${shell} exec "${process.execPath}" -r "${script}" "${main}" node --config "${path}" --id ${id} --json --in-background ${args.join(' ')}`
    const child = spawn('sh', ['-c', `unset NODE_OPTIONS; ${line}`], { stdio: 'ignore' })
    t.teardown(() => child.kill('SIGKILL'))
    const end = new Promise<number | null>((resolve) => child.once('close', resolve))
    return end
  }
  const client = new Client<KeyValueCommands>({ addresses, deadlineMs: 60_000 })
  t.teardown(() => client.close())
  const kill = (...ids: readonly string[]) => {
    for (const id of ids) process.kill(pidOf(id), 'SIGKILL')
  }
  const forget = (...ids: readonly string[]) => {
    for (const id of ids) rmSync(join(folder, 'data', id), { recursive: true })
  }
  t.match(await verb('up'), { code: 0 })
  return { ...at, test: t, client, start, told, until, type, kill, forget }
}

function readEvents(folder: string): string {
  const isEvents = (name: string) => name.startsWith('events.ndjson')
  return readdirSync(folder)
    .filter(isEvents)
    .map((name) => readFileSync(join(folder, name), 'utf8'))
    .join('')
}

/** A script that makes each write to a disk slow. */
const slowDisk = `const fs = require('node:fs')
for (const name of ['write', 'fdatasync']) {
  const real = fs[name]
  fs[name] = (...given) => setTimeout(() => real(...given), 150)
}
require('node:module').syncBuiltinESMExports()`
/** A script that has the machine's clock a day ahead. */
const wrongClock = `const now = Date.now; Date.now = () => now() + 86_400_000`

/** How each day begins: the fault, as the world makes it. Some return what is checked when the day is over. */
const faults: Readonly<Record<number, (world: World) => Promise<void | (() => Promise<void>)>>> = {
  async 1({ kill, forget }) {
    kill('n3')
    forget('n3')
  },
  async 2({ kill, forget, until }) {
    kill('n2', 'n3')
    forget('n2', 'n3')
    await until('"pre_vote"')
  },
  async 3({ kill, forget, verb, type, until }) {
    kill('n1', 'n2', 'n3')
    forget('n3')
    await verb('up', '--node', 'n3')
    await type('npx raft-roadmap client --connect 10.0.0.3:7001 found_cluster')
    await verb('up')
    await until('"foreign_cluster"')
  },
  async 4({ test, verb, start, client }) {
    await verb('down', '--node', 'n2')
    const ended = start('n2', { shell: 'ulimit -f 256;', args: ['--snapshot-bytes 20000', '--snapshot-entries 50'] })
    let code: number | null | undefined
    void ended.then((given) => {
      code = given
    })
    for (let at = 0; code === undefined; at++) await client.set(`filler${at % 100}`, 'x'.repeat(1_000))
    test.equal(code, 74)
  },
  async 5({ test, verb, start, client, folder }) {
    await verb('down', '--node', 'n2')
    void start('n2', { preload: wrongClock })
    const latest = () => {
      const said = readEvents(join(folder, 'data', 'n2.process'))
      return Math.max(...[...said.matchAll(/"at":(\d+)/g)].map(([, time]) => Number(time)))
    }
    // It says so with its first event: the order of the fields in a line is nobody's promise.
    while (latest() < Date.now() + 80_000_000) await wait(50)
    for (let at = 0; at < 20; at++) await client.set('later', String(at))
    test.equal(await client.get('later'), '19', 'its clock is a day ahead, and nobody minds')
  },
  async 6({ verb, folder }) {
    await verb('down', '--node', 'n2')
    const wal = join(folder, 'data', 'n2', 'wal')
    const segment = join(wal, readdirSync(wal)[0]!)
    const bytes = readFileSync(segment)
    bytes[Math.floor(bytes.length / 2)]! ^= 4
    writeFileSync(segment, bytes)
  },
  async 7() {},
  async 8({ test, type, until, client, addresses }) {
    const change = type('npx raft-roadmap client --connect $AT add_node n4 10.0.0.4:7001 10.0.0.4:7101')
    const isAwaited = async () => {
      const told = await Promise.all(addresses.map((at) => client.call({ command: 'info' }, { at })))
      return JSON.stringify(told).includes('"n4"')
    }
    while (!(await isAwaited())) await wait(50)
    return async () => {
      test.equal(await change, 1)
      await until('change_cancelled')
    }
  },
  async 9({ test, verb, start, type, client }) {
    await verb('down', '--node', 'n1')
    const [metrics] = localMembers(1, '127.0.0.1', await freeBasePort(1, '127.0.0.1'))
    const port = metrics!.client.split(':')[1]!
    void start('n1', { preload: slowDisk, args: ['--metrics-port', port] })
    while ((await type('npx raft-roadmap client --connect $AT transfer_leader n1')) !== 0);
    for (let at = 0; at < 5; at++) await client.set('slow', String(at))
    const told = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
    const [, sum] = /raft_roadmap_log_append_seconds_sum\S* (\S+)/.exec(told)!
    const [, count] = /raft_roadmap_log_append_seconds_count\S* (\S+)/.exec(told)!
    test.ok(Number(sum) / Number(count) > 0.1, `the metrics show it: ${sum} s in ${count} writes`)
  },
  async 10({ kill }) {
    kill('n1', 'n2', 'n3')
  },
}

/** Settings of the cluster of a day: a change waits as long as an election takes. */
const settingsOf: Readonly<Record<number, string>> = { 8: 'election: 6000\n' }

const days = readDays()

t.test('there are ten days, each with what is seen, typed and lost, and when it is over', async (t) => {
  t.same(
    days.map(({ number }) => number),
    Object.keys(faults).map(Number),
  )
  for (const section of text.split(/^## /m).slice(1))
    for (const part of ['**You see**', '```sh', '**Lost:**', '**Over**'])
      t.ok(section.includes(part), `${section.split('\n')[0]}: ${part}`)
})

const asked = process.argv.slice(2).map(Number)
const wanted =
  asked.length > 0
    ? asked
    : size(
        [2, 10],
        days.map(({ number }) => number),
      )

for (const { number, title, steps, seen } of days.filter((day) => wanted.includes(day.number)))
  t.test(`${number}. ${title}`, async (t) => {
    const { client, type, until, verb, ...rest } = await world(t, settingsOf[number] ?? '')
    for (const key of keys) await client.set(key, `${key}${number}`)
    const check = await faults[number]!({ client, type, until, verb, ...rest })
    for (const { command, code } of steps) t.equal(await type(command), code, command)
    await check?.()
    // A snapshot finds no room only on a disk that is really full; a lesser fault of day 6 is played in test/storage.
    const rare = ['snapshot_failed', 'snapshot_damaged', 'log_cut']
    for (const word of seen.filter((one) => !rare.includes(one) && !/_seconds$/.test(one))) await until(word)
    for (const key of keys) t.equal(await client.get(key), `${key}${number}`, 'nothing that was acknowledged is lost')
    const { members } = await client.members()
    t.same(
      members.map(({ id, role, disk }) => `${id} ${role} ${disk ?? 'sound'}`).sort(),
      ['n1', 'n2', 'n3'].map((id) => `${id} voter sound`),
    )
    await client.set('over', 'yes')
    while ((await verb('status')).code !== 0);
  })
