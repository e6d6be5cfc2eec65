import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { logTable } from '../../client/text/log-table.js'
import { widthOf } from '../../client/text/table.js'
import { commandPayload, makeEntry, type Persist } from '../../src/contracts.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { size, some } from '../helpers/effort.js'
import { cli } from '../helpers/running.js'
import { contentsOf } from '../storage/conformance.js'
import { batches, bring, entry, expected, hinted, set, snapshot, truncate, vote, writeAll } from '../storage/stores.js'

const story = batches(
  [vote(1, 'n1'), entry(1, 1), entry(2, 1, set('a', '1'))],
  [entry(3, 1, set('b', '\n'))],
  [vote(2, null), truncate(3), entry(3, 2), entry(4, 2, { command: 'append', key: 'a', value: 'z'.repeat(300) })],
  [entry(5, 2), vote(3, 'n3')],
  [entry(6, 3)],
)
const segment = (number: number) => join('wal', `${String(number).padStart(12, '0')}.ndjson`)

async function write(folder: string, node: string, all: Persist[] = story): Promise<string> {
  const log = new WriteAheadLog(folder, { cluster: 'c1', node }, { segmentBytes: 800 })
  await log.open()
  await writeAll(log, all)
  await log.close()
  return folder
}

const one = async (t: Test) => write(join(t.testdir({}), 'n1'), 'n1')

/** Every file below a folder, with its content. */
const everything = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')])

function spoil(path: string, from: string, to: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(from, to))
}

t.test('log: a person reads it, batch by batch', async (t) => {
  const folder = await one(t)
  const { code, stdout } = await cli(['log', folder])
  t.equal(code, 0)
  t.matchStrict(stdout, /^segment 1\n {2}batch 1\n {4}term 1, votes for n1\n +1 {2}term 1 {2}set "k1" "v1"\n/)
  t.match(stdout, /3 {2}term 1 {2}set "b" "\\n" {2}\(taken back\)\n/)
  t.match(stdout, / {4}term 2, no vote\n {4}truncates from 3\n/)
  t.match(stdout, /append "a" "z{50,90}…\n/)
  t.match(stdout, /batch 6 {2}\(empty: the log was closed\)\nn1 {2}✔ sound {2}6 entries, the last 6 of term 3 · /)
  t.match(stdout, / · term 3, voted for n3 · 6 batches in 2 segments · closed\n$/)

  const part = (await cli(['log', folder, '--from', '3', '--to', '4'])).stdout
  t.match(part, /batch 2\n(.|\n)*batch 3\n/)
  t.notMatch(part, /batch 1\n|batch 4/)
  t.match((await cli(['log', folder, '--tail', '1'])).stdout, /^segment 2\n {2}batch 5\n +6 {2}term 3/)
})

t.test('log --json: the entries that count, as they are on disk and on the wire', async (t) => {
  const folder = await one(t)
  const texts = expected(story).entries.map(({ text }) => text)
  t.equal((await cli(['log', folder, '--json'])).stdout, texts.map((text) => `${text}\n`).join(''))
  t.equal((await cli(['log', folder, '--json', '--tail', '2'])).stdout, `${texts[4]}\n${texts[5]}\n`)
  const [third] = (await cli(['log', folder, '--json', '--from', '3'])).stdout.split('\n')
  t.equal(third, makeEntry(3, 2, commandPayload(set('k3', 'v3'))).text)
})

t.test('log --verify: sound, cut short, damaged; nothing is changed, also while the log is in use', async (t) => {
  const root = t.testdir({})
  const [n1, n2, n3] = [await write(join(root, 'n1'), 'n1'), await write(join(root, 'n2'), 'n2'), join(root, 'n3')]
  const inUse = new WriteAheadLog(n3, { cluster: 'c1', node: 'n3' })
  await inUse.open()
  await writeAll(inUse, story)
  const torn = join(n2, segment(2))
  truncateSync(torn, readFileSync(torn).length - 40)
  const before = everything(root)
  const { code, stdout } = await cli(['log', root, '--verify'])
  t.equal(code, 0)
  t.match(stdout, /^n1 {2}✔ sound .* closed\nn2 {2}✔ sound {2}5 entries, .* not closed\n/)
  t.match(stdout, / {4}an unfinished write at the end: .*2\.ndjson, line 6 \(byte \d+\): the last line has no end; /)
  t.match(stdout, /n3 {2}✔ sound {2}6 entries, .* 5 batches in 1 segment · in use, or not closed\n$/)
  t.match(JSON.parse((await cli(['log', n1, '--verify', '--json'])).stdout), {
    ...{ node: 'n1', cluster: 'c1', sound: true, entries: 6, last: { index: 6, term: 3 }, batches: 6, segments: 2 },
    ...{ term: 3, votedFor: 'n3', closed: true, unfinished: null, damage: null },
  })
  t.same(everything(root), before)
  t.match(await cli(['log', n3, '--repair']), { code: 2, stderr: new RegExp(`in use by process ${process.pid}`) })
  await inUse.close()

  spoil(join(n1, segment(1)), 'set', 'get')
  const damaged = await cli(['log', root, '--verify'])
  t.match(damaged, {
    code: 1,
    stdout: /^n1 {2}✘ damaged {2}0 entries.*\n.*1\.ndjson, line 3 \(byte \d+\): the checksum/,
  })
  t.match(await cli(['log', n1]), { code: 1, stdout: /✘ damaged/ })
})

t.test('log --repair: cuts at the damage, keeps a copy, and says what is lost', async (t) => {
  const folder = await one(t)
  t.match(await cli(['log', folder, '--repair']), { code: 0, stdout: 'Nothing to repair: the log is sound.\n' })

  const path = join(folder, segment(1))
  spoil(path, '"index":3,"term":2', '"index":3,"term":9')
  const { code, stdout } = await cli(['log', folder, '--repair'])
  t.equal(code, 0)
  t.match(stdout, /^Cut \d+ bytes at .*1\.ndjson \(the checksum .*\)\.\nKept: the entries up to 3, 2 batches\.\n/)
  t.match(stdout, /A copy of what was cut: .*1\.ndjson\.cut-1 .*2\.ndjson\.cut-1\nLost: 3 to 6; 2 records of a term/)
  t.match(stdout, /may be lost: it may help to elect a leader that lacks it, or vote twice/)
  t.match(await cli(['log', folder, '--verify']), { code: 0, stdout: /✔ sound {2}3 entries/ })
  const log = new WriteAheadLog(folder, { cluster: 'c1', node: 'n1' })
  t.same(contentsOf(await log.open()), expected(story.slice(0, 2)))
  await log.close()

  rmSync(join(folder, 'IDENTITY'))
  t.match(await cli(['log', folder, '--verify']), { code: 1, stdout: /there is no IDENTITY beside the log/ })
  t.match(await cli(['log', folder, '--repair']), {
    code: 0,
    stdout: /IDENTITY was missing or could not be read, and has been written again/,
  })
  t.match(await cli(['log', folder, '--verify']), { code: 0 })

  truncateSync(join(folder, 'IDENTITY'))
  t.match(await cli(['log', folder, '--verify']), { code: 1, stdout: /IDENTITY cannot be read/ })
  t.match(await cli(['log', folder, '--repair']), { code: 0, stdout: /has been written again/ })
  t.match(await cli(['log', folder, '--verify']), { code: 0 })

  truncateSync(path, readFileSync(path).length - 4)
  t.match(await cli(['log', folder, '--repair']), { code: 0, stdout: /unfinished write: none of it was ever acknowl/ })
  spoil(path, 'segment', 'Segment')
  t.match(await cli(['log', folder, '--repair']), { code: 1, stdout: /^Nothing of this log can be saved/ })
})

const known = hinted(story, 0, 1, 2, 4, 5)

t.test('log: which entries are known to be committed, where the log has hints of it', async (t) => {
  const root = t.testdir({})
  const folder = await write(join(root, 'n1'), 'n1', known)
  const { stdout } = await cli(['log', folder])
  t.match(stdout, /\n {2}batch 1\n {4}term 1, votes for n1\n {2}✔ +1 {2}term 1 {2}set "k1" "v1"\n/)
  t.match(stdout, /\n {2}batch 2 · committed up to 1\n {4} +3 {2}term 1 .* {2}\(taken back\)\n/, 'another entry 3')
  t.match(stdout, /\n {2}✔ +5 {2}term 2 .*\n.*\n {2}batch 5 · committed up to 5\n {4} +6 {2}term 3 /)
  t.match(stdout, /batch 6 {2}\(empty: the log was closed\) · committed up to 5\n/)
  t.match(stdout, /6 entries, the last 6 of term 3 · known to be committed ✔ up to 5 · term 3/)
  t.match(JSON.parse((await cli(['log', folder, '--verify', '--json'])).stdout), { sound: true, commit: 5 })
  const lines = (await cli(['log', folder, '--json', '--tail', '2'])).stdout.trim().split('\n')
  t.match(
    lines.map((line) => JSON.parse(line)),
    [
      { index: 5, term: 2, committed: true },
      { index: 6, term: 3, committed: false },
    ],
  )

  const without = await write(join(root, 'n2'), 'n2')
  t.notMatch((await cli(['log', without])).stdout, /committed|✔ +\d/)
  t.notHas(JSON.parse((await cli(['log', without, '--verify', '--json'])).stdout), { commit: 0 })
})

t.test('log: a row of the table says it of each node, in 80 columns', async (t) => {
  const root = t.testdir({})
  const folders = new Map<string, string>()
  for (const [at, node] of ['n1', 'n2', 'n3', 'n4', 'n5'].entries())
    folders.set(node, await write(join(root, node), node, at < 4 ? hinted(story, 0, 1, 2, at + 1) : story))
  const text = await logTable(folders)
  t.ok(widthOf(text) <= 80, `${widthOf(text)} columns`)
  t.match(text, /\ncommit {2}2 +2 +3 +4 +·\nnow/)
  t.notMatch(await logTable(new Map([['n5', join(root, 'n5')]])), /commit/)
})

t.test('log --repair says when entries are lost that were known to be committed', async (t) => {
  const folder = await write(join(t.testdir({}), 'n1'), 'n1', known)
  spoil(join(folder, segment(1)), '"index":3,"term":2', '"index":3,"term":9')
  const { stdout } = await cli(['log', folder, '--repair'])
  t.match(stdout, /Kept: the entries up to 3, 2 batches\.\n(.|\n)*Entries up to 5 were known to be committed: /)
})

/** A log whose first segments are gone. */
async function writeLong(folder: string): Promise<string> {
  const log = new WriteAheadLog(folder, { cluster: 'c1', node: 'n1' })
  await log.open()
  const [first, ...rest] = story.map(({ records }) => records)
  await writeAll(
    log,
    batches(first!, ...rest, [snapshot(4, 2)], [entry(7, 3)], [snapshot(6, 3)], [entry(8, 3)], [snapshot(7, 3)]),
  )
  await log.close()
  return folder
}

t.test('log: the snapshots come first, and the log begins where the older one ends', async (t) => {
  const folder = await writeLong(join(t.testdir({}), 'n1'))
  const { code, stdout } = await cli(['log', folder])
  t.equal(code, 0)
  t.match(stdout, /^snapshots\n {9}7 {2}term 3 {2}✔ sound {2}\d+ bytes · sha256 [0-9a-f]{64}\n {9}6 {2}term 3 {2}✔/)
  t.match(
    stdout,
    /\nsegment 2\n {2}batch 6\n {4}a snapshot holds all up to entry 4, term 2\n {2}batch 7\n {11}7 {2}term 3/,
  )
  t.match(stdout, /n1 {2}✔ sound {2}2 entries behind 6, the last 8 of term 3 · 2 snapshots, the newest of entry 7 · /)
  const [one, two, three] = (await cli(['log', folder, '--json'])).stdout
    .split('\n')
    .map((line) => JSON.parse(line || '0'))
  t.match(
    [one, two],
    [
      { snapshot: 7, term: 3, sound: true, sha256: /^[0-9a-f]{64}$/ },
      { snapshot: 6, term: 3 },
    ],
  )
  t.match(three, { index: 7, term: 3 })
  t.match(JSON.parse((await cli(['log', folder, '--verify', '--json'])).stdout), {
    ...{ sound: true, first: 7, entries: 2, snapshots: [{ snapshot: 7, sound: true }, { snapshot: 6 }] },
  })
  t.match(await cli(['log', folder, '--repair']), { code: 0, stdout: 'Nothing to repair: the log is sound.\n' })
})

t.test('log: a snapshot that is damaged, and what the next start makes of it', async (t) => {
  const folder = await writeLong(join(t.testdir({}), 'n1'))
  const [older, newer] = ['000000000006-3.ndjson', '000000000007-3.ndjson'].map((name) => join(folder, 'snap', name))
  spoil(newer!, 'index', 'Index')
  const { code, stdout } = await cli(['log', folder, '--verify'])
  t.equal(code, 1)
  t.match(
    stdout,
    /✘ damaged .*\n.*7-3\.ndjson: its content is not .*\n {4}the next start goes on from the snapshot of entry 6/,
  )
  t.match((await cli(['log', folder])).stdout, /^snapshots\n {9}7 {2}term 3 {2}✘ damaged {2}its content is not/)
  rmSync(older!)
  t.match(await cli(['log', folder, '--verify']), {
    code: 1,
    stdout: /6-3\.ndjson: the file is missing\n {4}the node will not start on it: .* with an empty folder/,
  })
  t.match(await cli(['log', folder, '--repair']), { code: 1, stdout: /^No snapshot is left that the log could go on/ })
})

t.test('log --verify finds a log sound while its first segments go', async (t) => {
  const folder = join(t.testdir({}), 'n1')
  const log = new WriteAheadLog(folder, { cluster: 'c1', node: 'n1' })
  await log.open()
  let [isDone, index] = [false, 0]
  const writing = async () => {
    while (!isDone) {
      const records = Array.from({ length: 20 }, () => entry(++index, 1))
      await log.write({ records, upTo: { index, term: 1 } })
      await bring(log.snapshots, { index, term: 1 })
      await log.write({ records: [snapshot(index, 1)], upTo: { index, term: 1 } })
    }
  }
  const written = writing()
  for (let time = 1; time <= size(1, 4); time++)
    t.match(await cli(['log', folder, '--json', '--verify']), { stdout: /"node":"n1"/ })
  isDone = true
  await written
  await log.close()
  t.match(await cli(['log', folder, '--verify']), { code: 0, stdout: /✔ sound/ })
})

t.test('log --verify finds a log sound while it is written to', async (t) => {
  const folder = join(t.testdir({}), 'n1')
  const log = new WriteAheadLog(folder, { cluster: 'c1', node: 'n1' }, { segmentBytes: 20_000 })
  await log.open()
  let [isDone, index] = [false, 0]
  const writing = async () => {
    while (!isDone) {
      const records = Array.from({ length: 20 }, () => entry(++index, 1))
      await log.write({ records, upTo: { index, term: 1 } })
    }
  }
  const written = writing()
  for (let time = 1; time <= size(1, 4); time++)
    t.match(await cli(['log', folder, '--verify']), { code: 0, stdout: /✔ sound/ })
  isDone = true
  await written
  await log.close()
  t.match(await cli(['log', folder, '--verify']), { code: 0, stdout: new RegExp(`sound {2}${index} entries.* closed`) })
})

t.test('log: what a person gets wrong', async (t) => {
  const folder = t.testdir({ file: 'x', empty: {} })
  const wrong: readonly (readonly [args: string[], stderr: RegExp])[] = [
    [[folder], /is no node's folder and holds none/],
    [[folder, '--tail', '1', '--to', '2'], /leave out --from and --to/],
    [[], /Not enough non-option arguments/],
    [[join(folder, 'nowhere')], /cannot read the log: ENOENT/],
    [[join(folder, 'file')], /ENOTDIR/],
    [[folder, '--tail', '0'], /--tail must be a whole number from 1/],
    [[folder, '--verify', '--tail', '2'], /--verify reads the whole log/],
    [[folder, '--repair', '--json'], /--repair goes with no other option/],
  ]
  for (const [args, stderr] of some(2, wrong)) t.match(await cli(['log', ...args]), { code: 2, stderr }, args.join(' '))
  const [n1, n2] = [await write(join(folder, 'n1'), 'n1'), await write(join(folder, 'n2'), 'n2')]
  t.match(await cli(['log', folder, '--repair']), { code: 2, stderr: new RegExp(`one node at a time.*${n1} ${n2}`) })
})
