/** The write-ahead log against damage: a write cut short is cut off and kept, everything else is refused and named. */
import { crc32 } from 'node:zlib'
import t from 'tap'
import { DamagedLogError } from '../../src/storage/errors.js'
import { WriteAheadLog } from '../../src/storage/wal.js'
import { MemoryFiles } from './memory-files.js'
import { batches, entry, hinted, owner, snapshot, truncate, vote, writeAll } from './stores.js'

const folder = '/n1'
const segmentBytes = 440
const segment = (number: number) => `${folder}/wal/${String(number).padStart(12, '0')}.ndjson`
const story = batches(
  [vote(1, 'n1'), entry(1, 1)],
  [entry(2, 1), entry(3, 1)],
  [vote(2, null), truncate(3), entry(3, 2)],
  [entry(4, 2), entry(5, 2)],
  [vote(3, 'n2'), entry(6, 3)],
  [entry(7, 3), entry(8, 3)],
)

/** A log that holds the story, closed or as a killed process leaves it. */
async function written(how: 'closed' | 'killed', all = story, node = owner): Promise<MemoryFiles> {
  const files = new MemoryFiles()
  const log = new WriteAheadLog(folder, node, { files, segmentBytes })
  await log.open()
  await writeAll(log, all)
  if (how === 'closed') await log.close()
  return files.afterKill()
}

type Opened = { entries: number; cut: { bytes: number; copies: string[] } | null } | { damaged: string }

async function opened(files: MemoryFiles): Promise<Opened> {
  let cut = null
  const notice = ({ event: _event, ...what }: object & { event: string }) => {
    cut = what as never
  }
  const log = new WriteAheadLog(folder, owner, { files, segmentBytes, notice })
  try {
    const { entries } = await log.open()
    await log.close()
    return { entries: entries.length, cut }
  } catch (error) {
    if (!(error instanceof DamagedLogError)) throw error
    return { damaged: error.message }
  }
}

function edited(files: MemoryFiles, path: string, edit: (content: Buffer) => Buffer): MemoryFiles {
  const copy = files.afterKill()
  copy.put(path, edit(copy.content(path)))
  return copy
}

const flipped = (at: number, bit: number) => (content: Buffer) => {
  const copy = Buffer.from(content)
  copy[at]! ^= 1 << bit
  return copy
}

const linesOf = (content: Buffer) => content.toString().split('\n').slice(0, -1)
const withLines = (edit: (lines: string[]) => string[]) => (content: Buffer) =>
  Buffer.from(
    edit(linesOf(content))
      .map((line) => `${line}\n`)
      .join(''),
  )

/** Where in a segment its last batch begins. */
function lastBatchAt(content: Buffer): number {
  const ends = linesOf(content).flatMap((line, at, all) =>
    line.includes('{"end":') ? [all.slice(0, at + 1).join('\n').length + 1] : [],
  )
  return ends.at(-2)!
}

t.test('the log used here has several segments', async (t) => {
  const files = await written('closed')
  t.same(
    [...files.names.keys()].filter((path) => path.endsWith('.ndjson')),
    [1, 2, 3].map(segment),
  )
  t.equal(linesOf(files.content(segment(3))).length > 4, true)
  t.same(await opened(files), { entries: 8, cut: null })
})

t.test('cut at every byte of the last batch: all before it, nothing of it, and a copy of what was cut', async (t) => {
  const files = await written('killed')
  const whole = files.content(segment(3))
  const good = lastBatchAt(whole)
  for (let length = good; length < whole.length; length++) {
    const short = edited(files, segment(3), (content) => content.subarray(0, length))
    const bytes = length - good
    const copies = [`${segment(3)}.cut-1`]
    const cut = bytes === 0 ? null : { file: segment(3), bytes, copies }
    const result = await opened(short)
    if (JSON.stringify(result) !== JSON.stringify({ entries: 6, cut })) t.fail(`${length}: ${JSON.stringify(result)}`)
    if (cut && !short.content(copies[0]!).equals(whole.subarray(good, length))) t.fail(`${length}: the copy differs`)
  }
  t.pass(`${whole.length - good} lengths`)
})

t.test('one bit flipped anywhere before the last batch: refused', async (t) => {
  for (const how of ['killed', 'closed'] as const) {
    const files = await written(how)
    for (const number of [1, 2, 3]) {
      const content = files.content(segment(number))
      const end = number === 3 && how === 'killed' ? lastBatchAt(content) : content.length
      const sealed = how === 'closed' && number === 3 ? lastBatchAt(content) : end
      for (let at = 0; at < end; at++) {
        const result = await opened(edited(files, segment(number), flipped(at, at % 8)))
        // The empty batch that closes a log holds nothing: what is left without it is the whole log.
        const isWhole = at >= sealed && 'entries' in result && result.entries === 8
        if (!('damaged' in result) && !isWhole) t.fail(`${how}, ${number}, byte ${at}: ${JSON.stringify(result)}`)
      }
    }
  }
  t.pass()
})

t.test('one bit flipped in the last batch of a killed process: nothing but that batch is ever lost', async (t) => {
  const files = await written('killed')
  const content = files.content(segment(3))
  let cuts = 0
  for (let at = lastBatchAt(content); at < content.length; at++) {
    const result = await opened(edited(files, segment(3), flipped(at, at % 8)))
    if ('entries' in result && result.cut) cuts++
    // A number that became a later batch's looks like damage, which it is.
    const named = 'damaged' in result && /batch \d+ (was written after it|is there a second time)/.test(result.damaged)
    if (!named && !('entries' in result && result.entries === 6)) t.fail(`byte ${at}: ${JSON.stringify(result)}`)
  }
  t.ok(cuts > 100)
})

t.test('lines swapped, deleted, doubled; segments missing, foreign, out of place: refused and named', async (t) => {
  const files = await written('closed')
  const swap = (a: number, b: number) =>
    withLines((lines) => lines.map((_, at) => lines[at === a ? b : at === b ? a : at]!))
  const later = /, and (a later segment was begun after it|batch \d+ was written after it)/
  for (const number of [1, 2, 3]) {
    const count = linesOf(files.content(segment(number))).length - (number === 3 ? 1 : 0)
    for (let at = 0; at + 1 < count; at++) {
      const remove = withLines((lines) => lines.toSpliced(at, 1))
      const double = withLines((lines) => lines.toSpliced(at, 0, lines[at]!))
      for (const edit of [swap(at, at + 1), remove, double]) {
        const result = await opened(edited(files, segment(number), edit))
        if (!('damaged' in result)) t.fail(`${number}, line ${at + 1}: ${JSON.stringify(result)}`)
      }
    }
  }
  t.match(await opened(edited(files, segment(2), swap(1, 2))), { damaged: later })

  const without = files.afterKill()
  without.drop(segment(2))
  t.match(await opened(without), { damaged: /2\.ndjson, line 1 \(byte 0\): the file is missing/ })
  without.drop(segment(1))
  t.match(await opened(without), { damaged: /3\.ndjson: the log begins with entry 6, and no snapshot holds what came/ })
  without.drop(segment(3))
  t.match(await opened(without), { damaged: /1\.ndjson, line 1 \(byte 0\): the file is missing/ })

  const foreign = (await written('closed', story, { cluster: 'c2', node: 'n1' })).content(segment(2))
  t.match(await opened(edited(files, segment(2), () => foreign)), {
    damaged: /2\.ndjson, line 1 \(byte 0\): .*its cluster is "c2", not "c1"/,
  })
  const earlier = (await written('closed')).content(segment(2))
  t.match(await opened(edited(files, segment(2), () => earlier)), { damaged: /its incarnation is/ })
  t.match(await opened(edited(files, segment(2), () => files.content(segment(3)))), { damaged: /its segment is 3/ })
  t.match(await opened(edited(files, segment(2), (content) => content.subarray(0, lastBatchAt(content)))), {
    damaged: /3\.ndjson, line 1 \(byte 0\): .*its first is|3\.ndjson, line 1 \(byte 0\): .*its batch is/,
  })
})

const withHints = () => written('closed', hinted(story, 0, 1, 2, 4, 5, 6))

/** The log with one word replaced in one segment, and all checksums from there on made to fit. */
function forged(files: MemoryFiles, number: number, from: string, to: string): MemoryFiles {
  let checksum = 0
  const copy = files.afterKill()
  for (let at = 1; at <= 3; at++) {
    const before = at === 1 ? '00000000' : checksum.toString(16).padStart(8, '0')
    const lines = linesOf(copy.content(segment(at))).map((line, place) => {
      const text = line.slice(9).replace(/"previous":"\w+"/, `"previous":"${before}"`)
      const edited = at === number ? text.replace(from, to) : text
      checksum = crc32(edited, place === 0 ? 0 : checksum)
      return `${checksum.toString(16).padStart(8, '0')} ${edited}\n`
    })
    copy.put(segment(at), Buffer.from(lines.join('')))
  }
  return copy
}

t.test('a hint of a commit that cannot be true is damage, whatever its checksum says', async (t) => {
  const files = await withHints()
  t.same(await opened(forged(files, 2, 'nothing', 'is changed')), { entries: 8, cut: null })
  for (const [number, from, to, what] of [
    [3, '"last":8,"commit":6', '"last":8,"commit":9', /9 is the last committed entry, which is one from 5 to 8/],
    [3, '"last":8,"commit":6', '"last":8,"commit":4', /4 is the last committed entry, which is one from 5 to 8/],
    [3, '"last":8,"commit":6', '"last":8', /0 is the last committed entry/],
    [3, '"last":8,"commit":6', '"last":8,"commit":"6"', /6 is the last committed entry/],
    [3, '"last":8,"commit":6', '"last":8,"commit":5.5', /5.5 is the last committed entry/],
    [3, '"commit":4,"previous"', '"commit":3,"previous"', /its commit is 3, not 4/],
    [3, '"commit":4,"previous"', '"previous"', /its commit is undefined, not 4/],
    [2, '"truncate":3', '"truncate":1', /entry 1 is known to be committed, and is taken back/],
  ] as const) {
    const result = await opened(forged(files, number, from, to))
    t.match(result, { damaged: /whole but cannot be there/ }, to)
    t.match(result, { damaged: what }, to)
  }
})

t.test('a hint goes with the end of its batch: one cut short has none, and the earlier one is known', async (t) => {
  const files = new MemoryFiles()
  const log = new WriteAheadLog(folder, owner, { files, segmentBytes: 10_000 })
  await log.open()
  // Long numbers make a long line at the batch's end, which must not pass for a second batch.
  const last = 900_000_000_000
  const entries = [entry(last + 1, 3), entry(last + 2, 3), entry(last + 3, 3)]
  await writeAll(log, hinted(batches([snapshot(last, 3)], ...entries.map((one) => [one])), 0, last, last + 1, last + 2))
  const whole = files.content(segment(1))
  for (let length = lastBatchAt(whole); length <= whole.length; length++) {
    const short = edited(files.afterKill(), segment(1), (content) => content.subarray(0, length))
    const { commit } = await new WriteAheadLog(folder, owner, { files: short }).open()
    if (commit !== (length < whole.length ? last + 1 : last + 2)) t.fail(`${length} bytes: ${commit}`)
  }
  t.pass()
})

t.test('the tail of a file that was made longer than what reached it', async (t) => {
  const files = await written('killed')
  const zeros = Buffer.alloc(4_096)
  const longer = edited(files, segment(3), (content) => Buffer.concat([content, zeros]))
  t.match(await opened(longer), { entries: 8, cut: { bytes: 4_096 } })
  const closed = edited(await written('closed'), segment(3), (content) => Buffer.concat([content, zeros]))
  t.match(await opened(closed), { entries: 8, cut: { bytes: 4_096 } })
  const inTheMiddle = edited(files, segment(2), (content) => Buffer.concat([content, zeros]))
  t.match(await opened(inTheMiddle), { damaged: /a later segment was begun after it/ })

  for (const [what, content] of Object.entries({
    nothing: Buffer.alloc(0),
    zeros,
    'half a header': files.content(segment(3)).subarray(0, 70),
  })) {
    const begun = files.afterKill()
    begun.put(segment(4), content)
    t.match(await opened(begun), { entries: 8 }, `a segment begun and left with ${what}`)
    t.same(await opened(begun), { entries: 8, cut: null }, 'and again')
  }
})

t.test('a durable batch that is damaged shows by whatever was begun after it', async (t) => {
  const files = await written('killed')
  const last = files.content(segment(3)).subarray(lastBatchAt(files.content(segment(3))))
  const append = (...more: Buffer[]) => edited(files, segment(3), (content) => Buffer.concat([content, ...more]))
  t.match(await opened(append(last)), { damaged: /batch 6 is there a second time/ }, 'the last batch, doubled')

  for (const begun of ['0', '00000000 {"index":9,', last.toString('latin1', 0, 150)]) {
    const next = append(Buffer.from(begun))
    const damaged = edited(next, segment(3), (content) => flipped(lastBatchAt(content) + 20, 0)(content))
    t.match(await opened(next), { entries: 8, cut: { bytes: begun.length } }, 'a batch cut short')
    t.match(
      await opened(damaged),
      { damaged: /, and another batch was begun after it/ },
      'and the one before it damaged',
    )
  }
})

t.test('a log without its identity, and someone else’s log, are refused', async (t) => {
  const files = await written('closed')
  const without = files.afterKill()
  without.drop(`${folder}/IDENTITY`)
  t.match(await opened(without), { damaged: /there is a log and no IDENTITY beside it/ })
  for (const [node, whose] of [
    [{ cluster: 'c1', node: 'n2' }, /belongs to node n1 of cluster c1, not to node n2 of cluster c1/],
    [{ cluster: 'c2', node: 'n1' }, /belongs to node n1 of cluster c1, not to node n1 of cluster c2/],
  ] as const) {
    await t.rejects(new WriteAheadLog(folder, node, { files }).open(), { name: 'ConfigError', message: whose })
  }
  const withIdentity = (content: string) => opened(edited(files, `${folder}/IDENTITY`, () => Buffer.from(content)))
  for (const [content, what] of [
    ['', /IDENTITY: it is empty; .*npx raft-roadmap log \/n1 --repair$/],
    ['\0'.repeat(90), /IDENTITY: it holds nothing but zeros/],
    ['{}', /IDENTITY: it does not hold the fields that it should/],
    ['{"format":2}', /IDENTITY: it does not hold the fields/],
    ['{"format":1,"cluster":"c1"', /IDENTITY: it is cut off/],
  ] as const)
    t.match(await withIdentity(content), { damaged: what })
  await t.rejects(withIdentity('{"format":3}'), { name: 'ConfigError', message: /a later version wrote/ })
})

t.test('a log refuses to write what it could not read', async (t) => {
  for (const records of [[entry(2, 1)], [{ record: 'entry', entry: { ...{ index: 1, term: 1 }, text: '{\n}' } }]]) {
    const log = new WriteAheadLog(folder, owner, { files: new MemoryFiles() })
    await log.open()
    await t.rejects(log.write({ records: records as never, upTo: { index: 1, term: 1 } }))
    await t.rejects(log.write(story[0]!), 'and is dead after it')
    await log.close()
  }
})

t.test('the message says where, what, and what to do', async (t) => {
  const files = await written('closed')
  const result = await opened(edited(files, segment(1), flipped(200, 0)))
  t.same(result, {
    damaged: `${segment(1)}, line 3 (byte 189): the checksum does not fit the line and the one before it, and a later segment was begun after it; the log is damaged and the node will not start on it; to see what can be saved, or to cut it there: npx raft-roadmap log ${folder} --verify, or --repair`,
  })
})
