/** What every `LogStore` must do with snapshots: those it saves, and those that another node sends it in pieces. */
import type { Test } from 'tap'
import type { Chunk, EntryId, LogStore, Snapshot, SnapshotStore } from '../../src/contracts.js'
import { MemorySnapshots } from '../../src/storage/memory-snapshots.js'
import { ended } from './conformance.js'
import {
  batches,
  bodyText,
  chunksOf,
  entry,
  headerOf,
  type Kind,
  lines,
  type Place,
  snapshot,
  writeAll,
} from './stores.js'

export function snapshotConformance(t: Test, kind: Kind): void {
  const { name } = kind
  t.test(`${name}: a snapshot is there, with its facts and to the byte, in this life and the next`, (t) =>
    faithful(t, kind),
  )
  t.test(`${name}: a snapshot counts once the log has a record of it`, (t) => recorded(t, kind))
  t.test(`${name}: two snapshots are kept, and such that wait for their record`, (t) => kept(t, kind))
  t.test(`${name}: a snapshot that somebody is being sent is kept besides the two, as long as it is`, (t) =>
    held(t, kind),
  )
  t.test(`${name}: a snapshot comes in pieces that are lost, repeated and out of order`, (t) => pieces(t, kind))
  t.test(`${name}: a snapshot that is received goes on after a restart`, (t) => resumed(t, kind))
  t.test(`${name}: pieces of two snapshots do not mix, and wrong bytes are thrown away`, (t) => mixed(t, kind))
  t.test(`${name}: a state of some megabytes`, (t) => large(t, kind))
}

async function opened(place: Place): Promise<{ store: LogStore; snapshots: readonly Snapshot[] }> {
  const store = place.store()
  return { store, snapshots: (await store.open()).snapshots }
}

async function collect(body: AsyncIterable<string>): Promise<string[]> {
  const all: string[] = []
  for await (const some of body) all.push(some)
  return all
}

const textOf = async (body: AsyncIterable<string>) => (await collect(body)).join('')

/** Record of it, in a log that ends before it. */
const install = ({ index, term }: EntryId) => ({ records: [snapshot(index, term)], upTo: { index, term } })

/** Its file, read in pieces. */
async function fileOf(snapshots: SnapshotStore, id: Snapshot, size = 64): Promise<Buffer> {
  const all: Uint8Array[] = []
  for (let offset = 0; offset < id.bytes; offset += size) all.push((await snapshots.read(id, offset, size))!)
  return Buffer.concat(all)
}

async function faithful(t: Test, kind: Kind): Promise<void> {
  for (const text of ['', '["k","v"]\n', `["\u{1f600}","é\\n"]\n["a",""]\n`, bodyText({ index: 6, term: 1 })]) {
    const id = { index: 6, term: 2 }
    let place = kind.place(t)
    let { store } = await opened(place)
    const saved = await store.snapshots.save(headerOf(id), lines(text, 1))
    t.same(saved, await new MemorySnapshots().save(headerOf(id), lines(text)), 'the same state has the same facts')
    await store.write(install(id))
    for (const life of [1, 2, 3]) {
      const file = await fileOf(store.snapshots, saved)
      t.equal(file.toString(), `${JSON.stringify(headerOf(id))}\n${text}{"sha256":"${saved.sha256}"}\n`, `life ${life}`)
      t.equal(file.length, saved.bytes)
      t.equal(await textOf(store.snapshots.load(id)), text)
      t.same(await store.snapshots.read(id, saved.bytes - 5, 100), file.subarray(-5), 'shorter at its end')
      place = await ended(place, store, life === 1)
      const next = await opened(place)
      store = next.store
      t.same(next.snapshots, [saved])
    }
    await store.close()
  }
}

async function recorded(t: Test, kind: Kind): Promise<void> {
  const id = { index: 2, term: 1 }
  const sent = { index: 3, term: 1 }
  let place = kind.place(t)
  const { store } = await opened(place)
  await writeAll(store, batches([entry(1, 1), entry(2, 1), entry(3, 1)]))
  const saved = await store.snapshots.save(headerOf(id), lines(bodyText(id)))
  for (const chunk of await chunksOf(sent, bodyText(sent), 1_000)) await store.snapshots.receive(chunk)
  t.ok(await store.snapshots.read(id, 0, 1))
  place = await ended(place, store, true)
  const { store: next, snapshots } = await opened(place)
  t.same(snapshots, [])
  t.equal(await next.snapshots.read(id, 0, 1), null, 'what was saved is gone')
  t.equal(await next.snapshots.read(sent, 0, 1), null, 'and what was received')
  t.same(await next.snapshots.save(headerOf(id), lines(bodyText(id))), saved, 'and it is made again')
  await next.write({ records: [snapshot(2, 1)], upTo: sent })
  await next.close()
  const last = await opened(place)
  t.same(last.snapshots, [saved])
  await last.store.close()
}

async function kept(t: Test, kind: Kind): Promise<void> {
  const place = kind.place(t)
  const { store } = await opened(place)
  const ids = [2, 4, 6, 8, 10].map((index) => ({ index, term: 1 }))
  const waiting = { index: 12, term: 1 }
  const saved: Snapshot[] = []
  const there = async () => {
    const read = await Promise.all(ids.map((id) => store.snapshots.read(id, 0, 1)))
    return ids.filter((_, at) => read[at]).map(({ index }) => index)
  }
  for (const [at, id] of ids.entries()) {
    const story = batches(...ids.slice(0, at + 1).map(({ index }) => [entry(index - 1, 1), entry(index, 1)]))
    await store.write(story.at(-1)!)
    saved.push(await store.snapshots.save(headerOf(id), lines(bodyText(id))))
    if (id.index === 4) continue
    if (id.index === 10) await store.snapshots.save(headerOf(waiting), lines(bodyText(waiting)))
    await store.write({ records: [snapshot(id.index, 1)], upTo: id })
    t.same(await there(), { 2: [2], 6: [2, 6], 8: [6, 8], 10: [8, 10] }[id.index], `once there is ${id.index}`)
  }
  t.ok(await store.snapshots.read(waiting, 0, 1), 'one that waits for its record stays')
  await store.close()
  const again = await opened(place)
  t.same(again.snapshots, [saved[4], saved[3]])
  await again.store.close()
}

async function held(t: Test, kind: Kind): Promise<void> {
  const place = kind.place(t)
  const { store } = await opened(place)
  const ids = [2, 4, 6, 8].map((index) => ({ index, term: 1 }))
  for (const [at, id] of ids.entries()) {
    const story = batches(...ids.slice(0, at + 1).map(({ index }) => [entry(index - 1, 1), entry(index, 1)]))
    await store.write(story.at(-1)!)
    await store.snapshots.save(headerOf(id), lines(bodyText(id)))
    if (id.index === 2) store.snapshots.hold([id])
    if (id.index === 8) store.snapshots.hold([])
    await store.write({ records: [snapshot(id.index, 1)], upTo: id })
    t.equal((await store.snapshots.read(ids[0]!, 0, 1)) !== null, id.index < 8, `once there is ${id.index}`)
  }
  await store.close()
  const again = await opened(place)
  t.same(
    again.snapshots.map(({ index }) => index),
    [8, 6],
  )
  await again.store.close()
}

async function pieces(t: Test, kind: Kind): Promise<void> {
  const id = { index: 27, term: 3 }
  const chunks = await chunksOf(id, bodyText(id), 20)
  const [one, two, three] = chunks as [Chunk, Chunk, Chunk]
  const last = chunks.at(-1)!
  const place = kind.place(t)
  const { store } = await opened(place)
  const held = async (chunk: Chunk) => {
    const { held, snapshot } = await store.snapshots.receive(chunk)
    t.equal(snapshot, null)
    return held
  }
  t.equal(await held(two), 0, 'what came before it is lost')
  t.equal(await held(last), 0)
  t.equal(await held(one), 20)
  t.equal(await held(one), 20, 'repeated')
  t.equal(await held(three), 20, 'out of order')
  t.equal(await held({ ...one, data: one.data.subarray(0, 3) }), 20, 'an earlier and shorter one takes nothing back')
  t.equal(await held({ ...two, offset: 15, data: Buffer.concat([one.data.subarray(15), two.data]) }), 40, 'overlapping')
  t.equal(await held({ ...two, offset: 40, data: Buffer.alloc(one.bytes) }), 40, 'longer than the whole')
  t.equal(await held({ ...two, offset: 40, data: Buffer.alloc(0) }), 40, 'empty')
  for (const chunk of chunks.slice(2, -1)) t.equal(await held(chunk), chunk.offset + 20)
  const whole = await store.snapshots.receive(last)
  t.equal(whole.held, last.bytes)
  t.match(whole.snapshot, { ...headerOf(id), bytes: last.bytes, sha256: last.sha256 })
  t.same(await store.snapshots.receive(two), whole, 'late pieces change nothing')
  t.equal(await textOf(store.snapshots.load(id)), bodyText(id))
  await store.write(install(id))
  t.same(await store.snapshots.receive(one), whole)
  await store.close()
  const next = await opened(place)
  t.same(next.snapshots, [whole.snapshot])
  t.same(await next.store.snapshots.receive(one), whole, 'in the next life too')
  await next.store.close()
}

async function resumed(t: Test, kind: Kind): Promise<void> {
  const id = { index: 27, term: 3 }
  const chunks = await chunksOf(id, bodyText(id), 20)
  let place = kind.place(t)
  let { store } = await opened(place)
  let received = null
  for (const [at, chunk] of chunks.entries()) {
    received = await store.snapshots.receive(chunk)
    if (received.snapshot) break
    t.equal(received.held, chunk.offset + 20)
    place = await ended(place, store, at % 2 === 0)
    store = (await opened(place)).store
    const { held } = await store.snapshots.receive({ ...chunk, data: Buffer.alloc(0) })
    t.equal(held, chunk.offset + 20, `held after restart ${at}`)
  }
  t.match(received, { held: chunks[0]!.bytes, snapshot: headerOf(id) })
  await store.write(install(id))
  await store.close()
  const next = await opened(place)
  t.match(next.snapshots, [headerOf(id)])
  await next.store.close()
}

async function mixed(t: Test, kind: Kind): Promise<void> {
  const [older, newer] = [
    { index: 20, term: 2 },
    { index: 27, term: 3 },
  ]
  const { store } = await opened(kind.place(t))
  const { snapshots } = store
  const olds = await chunksOf(older, bodyText(older), 30)
  const news = await chunksOf(newer, bodyText(newer), 30)
  t.same(await snapshots.receive(olds[0]!), { held: 30, snapshot: null })
  t.same(await snapshots.receive(news[1]!), { held: 0, snapshot: null }, 'of another, and not its first')
  t.same(await snapshots.receive(olds[1]!), { held: 0, snapshot: null }, 'the older one is given up')
  t.same(await snapshots.receive(news[0]!), { held: 30, snapshot: null })
  t.same(await snapshots.receive(olds[0]!), { held: 30, snapshot: null }, 'a leader may have an older one only')
  t.same(await snapshots.receive(news[1]!), { held: 60, snapshot: null }, 'and the newer one is none the worse')

  const wrong = await chunksOf(newer, bodyText(older), 30)
  t.same(await snapshots.receive(wrong[0]!), { held: 30, snapshot: null }, 'the same entry, and another hash')
  t.same(await snapshots.receive(news[1]!), { held: 60, snapshot: null })
  for (const chunk of news.slice(2, -1)) await snapshots.receive(chunk)
  const flipped = {
    ...news.at(-1)!,
    data: Uint8Array.from(news.at(-1)!.data, (byte, at) => (at === 3 ? byte ^ 1 : byte)),
  }
  t.same(await snapshots.receive(flipped), { held: 0, snapshot: null }, 'one bit is wrong')
  t.equal(await snapshots.read(newer, 0, 1), null)
  t.same(await snapshots.receive(news[1]!), { held: 0, snapshot: null }, 'nothing of it is held')
  t.same(await snapshots.receive(news[0]!), { held: 30, snapshot: null }, 'and it begins anew')
  const another = await chunksOf(older, bodyText(older), 10_000)
  const posing = { ...another[0]!, lastIncludedIndex: 29 }
  t.same(await snapshots.receive(posing), { held: 0, snapshot: null }, "another entry's snapshot")
  for (const sha256 of ['', '../../IDENTITY', 'f'.repeat(64)])
    t.same(await snapshots.receive({ ...another[0]!, sha256 }), { held: 0, snapshot: null }, `as ${sha256}`)
  for (const chunk of news) await snapshots.receive(chunk)
  t.equal(await textOf(snapshots.load(newer)), bodyText(newer), 'and in the end it is there')
  await store.close()
}

/** Lines of all lengths, up to one that is longer than any piece. */
function* manyLines(): Generator<string> {
  for (let at = 0; at < 30_000; at++) yield `${JSON.stringify([`key-${at}`, 'ü'.repeat(at % 97)])}\n`
  yield `${JSON.stringify(['long', 'x'.repeat(700_000)])}\n`
}

async function large(t: Test, kind: Kind): Promise<void> {
  const id = { index: 40_000, term: 1 }
  const text = [...manyLines()].join('')
  const { store } = await opened(kind.place(t))
  const saved = await store.snapshots.save(
    headerOf(id),
    (async function* () {
      yield* manyLines()
    })(),
  )
  t.ok(saved.bytes > 3_000_000, `${saved.bytes} bytes`)
  const pieces = await collect(store.snapshots.load(id))
  t.ok(pieces.join('') === text, 'the same text')
  t.ok(
    pieces.every((piece) => piece.endsWith('\n')),
    'pieces of whole lines',
  )
  const file = await fileOf(store.snapshots, saved, 256 * 1024)
  await store.close()
  await t.test('sent to another', async (t) => {
    const { store: other } = await opened(kind.place(t))
    for (const chunk of await chunksOf(id, text, 256 * 1024)) {
      t.ok(file.subarray(chunk.offset, chunk.offset + chunk.data.length).equals(chunk.data))
      const { snapshot } = await other.snapshots.receive(chunk)
      if (snapshot) t.same(snapshot, saved)
    }
    t.ok((await textOf(other.snapshots.load(id))) === text)
    await other.close()
  })
}
