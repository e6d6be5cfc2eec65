/**
 * The folders of a node that earlier versions wrote: one for each form of a log's segments. What was written once can be
 * read for ever, and goes on from there in the newest form. `golden/format-1` is of the last version before there was a
 * second; the third has hints of commits, and the texts of the second.
 */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { crc32 } from 'node:zlib'
import t, { type Test } from 'tap'
import { systemClock } from '../../src/clock.js'
import {
  type Command,
  featuresFormat,
  type LogStore,
  makeEntry,
  type Network,
  noOp,
  type Payload,
  payloadOf,
  textFormat,
} from '../../src/contracts.js'
import { Node } from '../../src/node.js'
import type { Stage } from '../../src/stage.js'
import { FolderError } from '../../src/storage/identity.js'
import { LevelLog } from '../../src/storage/level-log.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { featuresSegment, segmentFormat } from '../../src/storage/wal-line.js'
import membership from '../../stages/8-membership/stage.js'
import production from '../../stages/10-production/stage.js'
import { nodeOptions } from '../helpers/core.js'
import { cli } from '../helpers/running.js'

const owner = { cluster: 'golden', node: 'n1' }
const member = { id: 'n1', client: '127.0.0.1:17301', peer: '127.0.0.1:17302' }
const held = { a: 'one+more', c: '3', d: '45', e: '6' }
const kindsHeld = ['configuration', 'no-op', ...Array.from({ length: 13 }, () => 'command')]

const nobody: Network = {
  start: async () => {},
  setIdentity() {},
  send() {},
  setPeers() {},
  stop: async () => {},
}

function copyOf(t: Test, form: number | string): string {
  const folder = join(t.testdir({}), 'n1')
  cpSync(
    fileURLToPath(
      new URL(`../../../test/storage/golden/${typeof form === 'number' ? `format-${form}` : form}`, import.meta.url),
    ),
    folder,
    {
      recursive: true,
    },
  )
  return folder
}

async function started(
  t: Test,
  folder: string,
  stage: Stage = membership,
  log: LogStore = new WriteAheadLog(folder, owner),
) {
  const options = nodeOptions('n1', [member])
  const node = new Node(
    stage,
    {
      ...options,
      features: stage.features,
      timing: { ...options.timing, snapshotEntries: 8, electionTicks: 2, heartbeatTicks: 1 },
    },
    {
      ...{ network: nobody, clock: systemClock, log },
      machine: stage.application.machine,
      notice() {},
      fatal: (error) => t.fail(error),
    },
  )
  await node.start()
  return node
}

async function ask(node: Node, command: Command): Promise<void> {
  for (let isDone = false; !isDone; await turn())
    isDone = await new Promise((resolve) => node.ask(command, ({ ok }) => resolve(ok)))
}

const walOf = (folder: string) => readdirSync(join(folder, 'wal')).sort()
const firstLine = (path: string) =>
  JSON.parse(
    readFileSync(path, 'utf8')
      .split('\n')[0]!
      .replace(/^[0-9a-f]{8} /, ''),
  )
/** Whole snapshots: one that is still being written is none. */
const snapshotsOf = (folder: string) =>
  readdirSync(join(folder, 'snap'))
    .filter((name) => !name.endsWith('.part'))
    .sort()

for (let form = 1; form <= segmentFormat; form++) {
  t.test(`form ${form}: a node goes on from it`, async (t) => {
    const folder = copyOf(t, form)
    const before = walOf(folder)
    const node = await started(t, folder)
    await ask(node, { command: 'set', key: 'new', value: '8' })
    t.same(Object.fromEntries(node.contents()), { ...held, new: '8' })
    // As many reads as make one more snapshot due, and no more: two more would let go of what was there.
    for (let asked = 0; snapshotsOf(folder).length < 2; asked++)
      await (asked < 8 ? ask(node, { command: 'get', key: 'new' }) : turn())
    await node.stop(1_000)
    // The new snapshot may have let go of a segment that was there before.
    for (const name of walOf(folder)) {
      const { format = 1 } = firstLine(join(folder, 'wal', name))
      t.equal(format, before.includes(name) ? form : segmentFormat, `${name}: what was there stays as it was`)
    }
    const isAdded = walOf(folder).some((name) => !before.includes(name))
    t.ok(form === segmentFormat || isAdded, 'no segment holds two forms')
    const newest = snapshotsOf(folder).at(-1)!
    t.equal(firstLine(join(folder, 'snap', newest)).format, textFormat)
    const again = await started(t, folder)
    await ask(again, { command: 'get', key: 'new' })
    t.same(Object.fromEntries(again.contents()), { ...held, new: '8' }, 'also from the new snapshot')
    await again.stop(1_000)
    t.match(await cli(['log', folder, '--verify']), { code: 0, stdout: /sound/ })
  })

  t.test(`form ${form}: entries are what they were, their texts are kept, and a person reads them`, async (t) => {
    const folder = copyOf(t, form)
    const log = new WriteAheadLog(folder, owner)
    const { entries, commit } = await log.open()
    await log.close()
    t.equal(commit, form < 3 ? 8 : 14, 'by the snapshot alone, or by the last hint')
    t.same(
      entries.map((entry) => payloadOf(entry).kind),
      kindsHeld,
    )
    t.same(
      entries.map(({ payload }) => payload),
      entries.map(({ text }) => payloadOf({ index: 1, term: 1, payload: null, text })),
    )
    t.equal(entries[2]!.text.includes(form === 1 ? '"command":{"command":"set"' : '"json":{"command":"set"'), true)
    const { stdout } = await cli(['log', folder])
    t.match(stdout, / 1 {2}term 1 {2}voters n1\n/)
    t.match(stdout, / 2 {2}term 2 {2}no-op\n(.*\n)?.* 3 {2}term 2 {2}set "a" "one"\n/)
  })
}

/** Contents of the folders of stage 10, which have sessions, and features that are switched on. */
const heldAt10 = { a: '12345678910', b: 'two é 漢 "quoted"\n', c: '3', e: '5' }

for (const [name, open] of [
  ['format-4', (folder: string) => new WriteAheadLog(folder, owner)],
  ['level-3', (folder: string) => new LevelLog(folder, owner)],
] as const)
  t.test(`${name}: a node of stage 10 goes on from sessions, and from features that are on`, async (t) => {
    const folder = copyOf(t, name)
    const node = await started(t, folder, production, open(folder))
    await ask(node, { command: 'set', key: 'new', value: '8' })
    t.same(Object.fromEntries(node.contents()), { ...heldAt10, new: '8' })
    t.match(node.status, { features: ['compare-results'], sessions: 1 })
    const copy = { command: 'set', key: 'c', value: '3', session: 15, sequence: 1, firstOutstanding: 1 }
    const again = await new Promise((resolve) => node.ask({ ...copy, withIndex: true }, resolve))
    t.match(again, { ok: true, index: 16 }, 'a copy of a call has the answer of the first')
    await node.stop(1_000)
    const [newest] = snapshotsOf(folder).slice(-1)
    t.equal(firstLine(join(folder, 'snap', newest!)).format, featuresFormat)
    for (const segment of name === 'format-4' ? walOf(folder) : [])
      t.equal(firstLine(join(folder, 'wal', segment)).format, featuresSegment, 'every later segment says so, too')
  })

t.test('a segment is of the later format from the first entry on that needs it, and not before', async (t) => {
  const folder = copyOf(t, segmentFormat)
  const log = new WriteAheadLog(folder, owner)
  const { entries } = await log.open()
  const next = entries.at(-1)!.index + 1
  const write = async (index: number, payload: Payload) =>
    log.write({
      records: [{ record: 'entry', entry: makeEntry(index, 9, payload) }],
      upTo: { index, term: 9 },
    })
  await write(next, noOp)
  const before = walOf(folder)
  for (const name of before) t.equal(firstLine(join(folder, 'wal', name)).format, segmentFormat)
  await write(next + 1, { kind: 'features', features: ['x'] })
  await write(next + 2, noOp)
  await log.close()
  const [added] = walOf(folder).filter((name) => !before.includes(name))
  t.equal(firstLine(join(folder, 'wal', added!)).format, featuresSegment)
  t.equal(firstLine(join(folder, 'wal', added!)).first, next + 1, 'what was before it, the release before reads')
  const again = new WriteAheadLog(folder, owner)
  t.equal((await again.open()).entries.at(-1)!.index, next + 2)
  await again.close()
})

/** The text with this number for the form in its first line, and the checksum that belongs to it. */
function withFormat(text: string, format: number): string {
  const [first, ...rest] = text.split('\n') as [string, ...string[]]
  const line = first.slice(9).replace(`"format":${segmentFormat}`, `"format":${format}`)
  return [`${crc32(line).toString(16).padStart(8, '0')} ${line}`, ...rest].join('\n')
}

t.test('a log of a later form is refused, not repaired, and nothing is touched', async (t) => {
  const folder = copyOf(t, segmentFormat)
  const path = join(folder, 'wal', walOf(folder)[0]!)
  writeFileSync(path, withFormat(readFileSync(path, 'utf8'), featuresSegment + 1))
  const files = () => [...walOf(folder), ...snapshotsOf(folder)].join()
  const before = files()
  await t.rejects(new WriteAheadLog(folder, owner).open(), { constructor: FolderError, message: /of format 5.*later/ })
  t.equal(files(), before)
  t.equal((await cli(['log', folder, '--verify'])).code === 0, false)
})

t.test('a database takes entries of the first form, and says from then on that there may be others', async (t) => {
  const texts = ['{"index":1,"term":1,"command":{"command":"no-op"}}', '{"index":2,"term":1,"base64":"AAH/"}']
  const payloads: Payload[] = [{ kind: 'no-op' }, { kind: 'command', command: Uint8Array.of(0, 1, 255) }]
  const folder = join(t.testdir({}), 'n1')
  const log = new LevelLog(folder, owner)
  await log.open()
  const entries = texts.map((text, at) => ({ index: at + 1, term: 1, payload: payloads[at]!, text }))
  const records = entries.map((entry) => ({ record: 'entry' as const, entry }))
  await log.write({ records, upTo: { index: 2, term: 1 } })
  await log.close()
  const again = new LevelLog(folder, owner)
  t.same((await again.open()).entries, entries)
  await again.close()
})
