/** What every implementation of `LogStore` must do; `stores.ts` lists those it is run on. */
import { ok } from 'node:assert/strict'
import fc from 'fast-check'
import type { Test } from 'tap'
import { commandPayload, type LogStore, limits, type Persist, type Recovered } from '../../src/contracts.js'
import { recover } from '../../src/storage/recover.js'
import {
  anyBatches,
  batches,
  entry,
  expected,
  hinted,
  type Kind,
  type Place,
  set,
  snapshot,
  truncate,
  vote,
  writeAll,
} from './stores.js'

export function logStoreConformance(t: Test, kind: Kind): void {
  const { name } = kind
  t.test(`${name}: a new log holds nothing`, (t) => empty(t, kind))
  t.test(`${name}: what was written is found again, after a close and after a kill`, (t) => roundTrips(t, kind))
  t.test(`${name}: what an entry holds comes back to the byte`, (t) => faithful(t, kind))
  t.test(`${name}: a log goes on where an earlier life left it`, (t) => lives(t, kind))
  t.test(`${name}: a commit that was known is known again`, (t) => hints(t, kind))
  t.test(`${name}: a hint of a commit that cannot be true is refused`, (t) => falseHints(t, kind))
  t.test(`${name}: any sequence of batches`, (t) => anything(t, kind))
}

async function reopened(t: Test, place: Place, wanted: object, message: string): Promise<void> {
  const store = place.store()
  t.same(contentsOf(await store.open()), wanted, message)
  await store.close()
}

/** What was found but for the name of the disk, which is chance, and of the snapshots only which they are. */
export function contentsOf({ incarnation, snapshots, ...contents }: Recovered): object {
  ok(incarnation)
  return { ...contents, snapshots: snapshots.map(({ index, term }) => ({ index, term })) }
}

async function empty(t: Test, kind: Kind): Promise<void> {
  const place = kind.place(t)
  for (const life of [1, 2, 3]) await reopened(t, place, recover([]), `life ${life}`)
  const store = place.store()
  await store.open()
  await reopened(t, await place.afterKill(store), recover([]), 'after a kill')
}

async function roundTrips(t: Test, kind: Kind): Promise<void> {
  const stories = {
    'terms and votes': batches([vote(1, null)], [vote(1, 'n2')], [vote(2, null), vote(3, 'n1')]),
    'entries, one and many': batches([entry(1, 1)], [entry(2, 1), entry(3, 1), entry(4, 2)]),
    'the last of several votes': batches([vote(1, 'n1'), entry(1, 1), vote(2, 'n2'), entry(2, 2), vote(3, null)]),
    'a truncation': batches([entry(1, 1), entry(2, 1), entry(3, 1)], [truncate(2)]),
    'a suffix overwritten': batches([entry(1, 1), entry(2, 1)], [vote(2, 'n3'), truncate(2), entry(2, 2), entry(3, 2)]),
    'overwritten twice in one batch': batches([entry(1, 1), truncate(1), entry(1, 2), truncate(1), entry(1, 3)]),
    'all taken back': batches([entry(1, 1), entry(2, 1)], [truncate(1)]),
    'a truncation past the end': batches([entry(1, 1)], [truncate(2), truncate(9)], [entry(2, 1)]),
    'an empty batch': batches([], [entry(1, 1)], []),
    'a snapshot, and entries behind it': batches([entry(1, 1), entry(2, 1)], [snapshot(2, 1)], [entry(3, 2)]),
    'a snapshot before the end': batches([entry(1, 1), entry(2, 1), entry(3, 1)], [snapshot(2, 1)]),
    'two snapshots: the log begins behind the older': batches(
      [entry(1, 1), entry(2, 1), entry(3, 1), entry(4, 1)],
      [snapshot(2, 1)],
      [snapshot(3, 1)],
      [truncate(4), entry(4, 2)],
    ),
    'three snapshots: two are kept': batches(
      ...[1, 2, 3, 4, 5, 6, 7].flatMap((at) => [[entry(at, 1)], ...(at % 2 === 1 ? [[snapshot(at, 1)]] : [])]),
    ),
    'a snapshot past the end: the log begins anew': batches([entry(1, 1)], [snapshot(9, 3)]),
    'the same, with what was there taken back, and entries after it': batches(
      [entry(1, 1), entry(2, 1), entry(3, 1), snapshot(2, 1)],
      [vote(3, null), truncate(3), snapshot(8, 3)],
      [entry(9, 3)],
      [entry(10, 3), snapshot(10, 3)],
    ),
    'a snapshot on a new log': batches([vote(4, null), snapshot(5, 4)], [entry(6, 4)]),
    'a truncation does not reach into a snapshot': batches([entry(1, 1), entry(2, 1)], [snapshot(1, 1), truncate(1)]),
    'a record of the one that is kept': batches([entry(1, 1), snapshot(1, 1)], [snapshot(1, 1)], [entry(2, 1)]),
  }
  for (const [title, story] of Object.entries(stories)) {
    for (const ending of ['a close', 'a kill']) {
      await t.test(`${title}, then ${ending}`, async (t) => {
        const place = kind.place(t)
        const store = place.store()
        await store.open()
        await writeAll(store, story)
        await reopened(t, await ended(place, store, ending === 'a kill'), expected(story), 'found again')
      })
    }
  }
}

export async function ended(place: Place, store: LogStore, isKilled: boolean): Promise<Place> {
  if (isKilled) return place.afterKill(store)
  await store.close()
  return place
}

async function faithful(t: Test, kind: Kind): Promise<void> {
  const commands = [
    set('a', ''),
    set('__proto__', 'constructor'),
    set('\0', '\u{1f600} \ufeff \u2028 \r\n \\ "'),
    set('{"end":1,"last":1}', '{"truncate":1}\n{"end":99,"last":99}\n'),
    set('lone', '\ud800'),
    JSON.parse('{"command":"odd","__proto__":{"index":7},"nested":{"truncate":1,"deep":[null,1e300]}}'),
    set('large', 'x'.repeat(limits.valueBytes)),
    set('large and escaped', '\u0001'.repeat(limits.valueBytes)),
    { command: 'noop' },
  ]
  const story = batches(...commands.map((command, at) => [entry(at + 1, 1, command)]))
  const place = kind.place(t)
  const store = place.store()
  await store.open()
  await writeAll(store, story)
  const again = (await place.afterKill(store)).store()
  const found = await again.open()
  await again.close()
  t.ok(
    found.entries.every(({ text }, at) => text === expected(story).entries[at]!.text),
    'the texts are the same',
  )
  t.same(found.entries.length, commands.length)
  t.same(
    found.entries.map(({ payload }) => payload).slice(0, 6),
    commands.map((command) => commandPayload(command)).slice(0, 6),
  )
}

async function lives(t: Test, kind: Kind): Promise<void> {
  let place = kind.place(t)
  const story = batches(...Array.from({ length: 24 }, (_, at) => [entry(at + 1, at + 1), vote(at + 1, `n${at}`)]))
  for (const [life, batch] of story.entries()) {
    const store = place.store()
    t.same(contentsOf(await store.open()), expected(story.slice(0, life)), `life ${life}`)
    await writeAll(store, [batch])
    place = await ended(place, store, life % 3 === 0)
  }
  await reopened(t, place, expected(story), 'in the end')
}

async function hints(t: Test, kind: Kind): Promise<void> {
  const three = [entry(1, 1), entry(2, 1), entry(3, 1)]
  const stories: Record<string, [story: Persist[], commit: number]> = {
    none: [batches(three), 0],
    'in the batch of its entry': [hinted(batches(three), 2), 2],
    'in a batch without records': [hinted(batches(three, []), 0, 3), 3],
    'in a batch of a term': [hinted(batches(three, [vote(2, null)]), 1, 3), 3],
    'one after the other': [hinted(batches([entry(1, 1)], [entry(2, 1)], [entry(3, 1)]), 0, 1, 2), 2],
    'a batch without a hint takes none back': [hinted(batches(three, [entry(4, 1)]), 2), 2],
    'a lower hint takes none back': [hinted(batches(three, [entry(4, 1)]), 3, 1), 3],
    'entries behind it are taken back': [hinted(batches(three, [truncate(3), entry(3, 2)]), 2, 2), 2],
    'a snapshot says as much': [batches(three, [snapshot(2, 1)]), 2],
    'a snapshot behind it': [hinted(batches(three, [snapshot(3, 1)], [entry(4, 1)]), 1), 3],
    'a snapshot before it': [hinted(batches(three, [snapshot(1, 1)]), 3, 3), 3],
    'the entries before it are let go': [
      hinted(batches(three, [entry(4, 1), snapshot(2, 1)], [snapshot(4, 1)], [entry(5, 1)]), 2, 3),
      4,
    ],
    'the log begins anew': [hinted(batches(three, [snapshot(9, 3)], [entry(10, 3)]), 2, 9, 10), 10],
  }
  for (const [title, [story, commit]] of Object.entries(stories))
    for (const ending of ['a close', 'a kill'])
      await t.test(`${title}, then ${ending}`, async (t) => {
        const place = kind.place(t)
        const store = place.store()
        await store.open()
        await writeAll(store, story)
        const again = await ended(place, store, ending === 'a kill')
        await reopened(t, again, { ...expected(story), commit }, 'found again')
        await reopened(t, again, { ...expected(story), commit }, 'and once more')
      })
}

async function falseHints(t: Test, kind: Kind): Promise<void> {
  const before = hinted(batches([entry(1, 1), entry(2, 1)]), 2)
  const lies: Record<string, Persist> = {
    'beyond the last entry': { records: [entry(3, 1)], upTo: { index: 3, term: 1 }, commit: 4 },
    'of an entry that the batch takes back': { records: [truncate(2)], upTo: { index: 1, term: 1 } },
  }
  for (const [title, lie] of Object.entries(lies))
    await t.test(title, async (t) => {
      const place = kind.place(t)
      const store = place.store()
      await store.open()
      await writeAll(store, before)
      await t.rejects(store.write(lie), { message: /committed/ })
      await reopened(t, await ended(place, store, true), expected(before), 'nothing of it was written')
    })
}

async function anything(t: Test, kind: Kind): Promise<void> {
  await fc.assert(
    fc.asyncProperty(anyBatches, fc.nat(), async (story, cut) => {
      let place = kind.place(t)
      let store = place.store()
      await store.open()
      for (const [at, batch] of story.entries()) {
        if (at === cut % (story.length + 1)) {
          place = await place.afterKill(store)
          store = place.store()
          t.same(contentsOf(await store.open()), expected(story.slice(0, at)))
        }
        await writeAll(store, [batch])
      }
      await store.close()
      await reopened(t, place, expected(story), 'in the end')
    }),
    { seed: 1, numRuns: 40 },
  )
}
