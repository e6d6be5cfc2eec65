/**
 * `npm run bench:snapshot`: what a snapshot of the state machine costs those who use it meanwhile. One process, no
 * network, no disk: a state machine is filled, saved while commands go on and while none do, and restored.
 */
import yargs from 'yargs'
import { hideBin } from 'yargs/helpers'
import { wholeNumber } from '../../client/commands/arguments.js'
import { table } from '../../client/text/table.js'
import { systemClock } from '../../src/clock.js'
import { type Command, limits } from '../../src/contracts.js'
import { LockedMap } from '../../src/state-machine/locked-map.js'
import { OrderedMap } from '../../src/state-machine/ordered-map.js'
import { keyValue } from '../../stages/0-key-value-store/key-value.js'
import { get, set } from '../../stages/0-key-value-store/operations.js'
import { type Pauses, TurnWatch } from './pauses.js'

const option = (describe: string, fallback: number, from: number, to: number, name: string) =>
  ({ type: 'number', default: fallback, describe, coerce: wholeNumber(name, from, to), requiresArg: true }) as const

const given = await yargs(hideBin(process.argv))
  .scriptName('npm run bench:snapshot --')
  .usage('$0 [options]\n\nMeasures a snapshot of the state machine beside commands, and a restore.')
  .option('keys', option('how many the store holds', 1_000_000, 1, 20_000_000, 'keys'))
  .option('value-bytes', option('length of a value', 256, 0, limits.valueBytes, 'value-bytes'))
  .option('batch', option('commands performed together, one batch a turn', 64, 1, 10_000, 'batch'))
  .option('rounds', option('snapshots beside commands', 3, 1, 100, 'rounds'))
  .strict()
  .help()
  .version(false)
  .parseAsync()
const { keys, valueBytes, batch: batchSize, rounds } = given

/** Commands on a store that is not under measurement, so that functions are compiled before anything counts. */
const warmUpKeys = 20_000
/** Commands one after another when it is measured what each costs. */
const singleCommands = 500_000

const keyOf = (at: number) => `user:${String(at).padStart(9, '0')}`

/** A command as it comes from the wire: its strings are new, and made by the parser. */
function parsed(command: 'get' | 'set', key: string, value?: string): Command {
  return JSON.parse(JSON.stringify({ command, key, value })) as Command
}

/** Half of them gets, half sets, of keys all over the store. */
class Commands {
  #state = 1

  next(): Command {
    this.#state = (Math.imul(this.#state, 1_103_515_245) + 12_345) >>> 0
    const key = keyOf(this.#state % keys)
    return this.#state & 0x10000 ? parsed('get', key) : parsed('set', key, textOf(this.#state))
  }
}

function textOf(seed: number): string {
  return String(seed).padEnd(valueBytes, '-')
}

interface Row extends Pauses {
  readonly what: string
  readonly ms: number
  readonly commands: number
  readonly cpuMs: number
}

const rows: Row[] = []

/** Measures some work, which says how many commands it performed. */
async function measure(what: string, work: () => Promise<number>): Promise<void> {
  const watch = new TurnWatch()
  const [start, cpu] = [performance.now(), process.cpuUsage()]
  const commands = await work()
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  rows.push({ what, ms, commands, cpuMs: (user + system) / 1_000, ...(await watch.end()) })
  const { heapUsed, rss } = process.memoryUsage()
  console.error(`${what}: ${ms.toFixed(0)} ms; heap ${mebibytes(heapUsed)}, process ${mebibytes(rss)}`)
}

const mebibytes = (bytes: number) => `${Math.round(bytes / 2 ** 20)} MiB`
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

async function fill(machine: LockedMap, count: number): Promise<number> {
  for (let at = 0; at < count; at += batchSize) {
    const length = Math.min(batchSize, count - at)
    await machine.apply(Array.from({ length }, (_, i) => parsed('set', keyOf(at + i), textOf(at + i))))
    await turn()
  }
  return count
}

/** A batch a turn until it is over. */
async function performUntil(machine: LockedMap, isOver: () => boolean): Promise<number> {
  const commands = new Commands()
  let performed = 0
  for (; !isOver(); performed += batchSize) {
    await machine.apply(Array.from({ length: batchSize }, () => commands.next()))
    await turn()
  }
  return performed
}

/** What a file would get, and what becomes of it there: it is gone from the heap. @returns its length */
async function save(machine: LockedMap): Promise<number> {
  let bytes = 0
  for await (const lines of await machine.snapshot()) bytes += Buffer.from(lines).length
  return bytes
}

/** To be restored. All of it at once outside the heap makes the collector run more often, so this is not measured. */
async function keep(machine: LockedMap): Promise<Buffer[]> {
  const pieces: Buffer[] = []
  for await (const lines of await machine.snapshot()) pieces.push(Buffer.from(lines))
  return pieces
}

async function* load(pieces: readonly Buffer[]): AsyncGenerator<string> {
  for (const piece of pieces) yield piece.toString()
}

/** A Map, of which no page is asked. */
class PlainMap extends Map<string, string> {
  pin(): string {
    return ''
  }

  at(): null {
    return null
  }
}

/** Nanoseconds of processor time for a command on a Map, and on the parts that stand for it. */
function compareStores(): string {
  const stores = { Map: new PlainMap(), OrderedMap: new OrderedMap() }
  const times = { Map: Number.POSITIVE_INFINITY, OrderedMap: Number.POSITIVE_INFINITY }
  for (const store of Object.values(stores)) {
    for (let at = 0; at < keys; at++) set(store, parsed('set', keyOf(at), '') as never)
  }
  for (let round = 0; round < 5; round++) {
    for (const name of ['Map', 'OrderedMap'] as const) {
      const commands = new Commands()
      const all = Array.from({ length: singleCommands }, () => commands.next())
      const start = process.cpuUsage()
      for (const command of all) (command.command === 'get' ? get : set)(stores[name], command as never)
      const { user, system } = process.cpuUsage(start)
      times[name] = Math.min(times[name], ((user + system) * 1_000) / singleCommands)
    }
  }
  return `one command on ${keys.toLocaleString('en-US')} keys: ${times.Map.toFixed(0)} ns on a Map, ${times.OrderedMap.toFixed(0)} ns on a OrderedMap`
}

function report(): string {
  const heads = ['', 'ms', 'CPU ms', 'commands/s', 'p50 turn ms', 'p99', 'p99.9', 'longest', 'longest GC ms']
  const cells = rows.map((row) => [
    row.what,
    row.ms.toFixed(0),
    row.cpuMs.toFixed(0),
    row.commands > 0 ? Math.round((row.commands / row.ms) * 1_000).toLocaleString('en-US') : '',
    row.turnMs.p50.toFixed(2),
    row.turnMs.p99.toFixed(2),
    row.turnMs.p999.toFixed(2),
    row.turnMs.max.toFixed(1),
    row.longestCollectionMs.toFixed(1),
  ])
  return table([heads, ...cells])
}

/** Commands while a snapshot is taken, and then for as long without. */
async function besideSnapshot(machine: LockedMap): Promise<void> {
  let tookMs = 0
  await measure('commands beside a snapshot', async () => {
    const start = performance.now()
    let isSaved = false
    const saving = save(machine).then(() => {
      isSaved = true
      tookMs = performance.now() - start
    })
    const performed = await performUntil(machine, () => isSaved)
    await saving
    return performed
  })
  const end = performance.now() + tookMs
  await measure('commands alone, as long', () => performUntil(machine, () => performance.now() >= end))
}

async function main(): Promise<void> {
  const warm = new LockedMap(keyValue.operations!, systemClock)
  await fill(warm, warmUpKeys)
  await warm.restore(load(await keep(warm)))
  const machine = new LockedMap(keyValue.operations!, systemClock)
  await measure('fill', () => fill(machine, keys))
  for (let round = 1; round <= rounds; round++) await besideSnapshot(machine)
  let bytes = 0
  await measure('snapshot alone', async () => {
    bytes = await save(machine)
    return 0
  })
  const pieces = await keep(machine)
  const restored = new LockedMap(keyValue.operations!, systemClock)
  await measure('restore into an empty store', async () => {
    await restored.restore(load(pieces))
    return 0
  })
  console.log(`\n${report()}\n\nthe snapshot has ${mebibytes(bytes)} in ${pieces.length} pieces`)
}

await main()
console.log(compareStores())
