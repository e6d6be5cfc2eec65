import { deepStrictEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { commandPayload, type Entry, makeEntry, theBeginning } from '../../src/contracts.js'
import { majority } from '../../stages/2-naive-replication/quorum.js'
import { committed } from '../../stages/4-log-replication/commit.js'
import { Log } from '../../stages/4-log-replication/log.js'
import { stages } from '../../stages/index.js'
import { appendEntriesClaims } from '../claims/append-entries.js'
import { doubtClaims } from '../claims/doubts.js'
import { fixedLeaderClaims, replicationClaims } from '../claims/replication.js'

for (const stage of stages.slice(4)) {
  for (const [claim, check] of Object.entries({ ...appendEntriesClaims, ...replicationClaims, ...doubtClaims })) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}

for (const stage of stages.slice(4, 6)) {
  for (const [claim, check] of Object.entries(fixedLeaderClaims)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}

t.test('the log is an array with a sentinel before it, whatever is done to it', async (t) => {
  const steps = fc.array(
    fc.record({ append: fc.nat(3), rise: fc.nat(1), truncate: fc.option(fc.nat(10), { freq: 3 }) }),
    { maxLength: 20 },
  )
  const property = fc.property(steps, fc.nat(60), fc.nat(200), (steps, at, bytes) => {
    const log = new Log(theBeginning, [])
    const array: Entry[] = []
    for (const { append, rise, truncate } of steps) {
      for (let count = 0; count < append; count++) {
        const entry = makeEntry(
          array.length + 1,
          (array.at(-1)?.term ?? 1) + rise,
          commandPayload({ command: 'get', key: 'k' }),
        )
        log.append(entry)
        array.push(entry)
      }
      if (truncate === null || truncate >= array.length) continue
      log.truncate(array.length - truncate + 1)
      array.length -= truncate
    }
    const [index, term] = [at + 1, at % 10]
    deepStrictEqual([log.first, log.last.index, log.last.term], [1, array.length, array.at(-1)?.term ?? 0])
    deepStrictEqual([log.termAt(0), log.termAt(index), log.at(index)], [0, array[at]?.term, array[at]])
    deepStrictEqual(log.from(index), array.slice(at))
    deepStrictEqual(log.firstOf(term), array.filter((entry) => entry.term < term).length + 1)
    if (array.length > 0) deepStrictEqual(batchOf(array, bytes), log.batch(1, bytes))
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 500 }))
})

/** As many entries as fit, and one in any case. */
function batchOf(entries: readonly Entry[], bytes: number): Entry[] {
  const sizes = entries.map((_, at) => entries.slice(0, at + 1).reduce((sum, { text }) => sum + text.length, 0))
  return entries.slice(0, Math.max(1, sizes.filter((size) => size <= bytes).length))
}

t.test('the log refuses what would leave a gap, or let terms fall', async (t) => {
  const entry = (index: number, term: number) => makeEntry(index, term, commandPayload({ command: 'get', key: 'k' }))
  const log = new Log(theBeginning, [entry(1, 2)])
  for (const wrong of [entry(1, 2), entry(3, 2), entry(2, 1)]) t.throws(() => log.append(wrong), /cannot follow/)
})

t.test('committed: the highest index that more than half have reached, for every size to seven', async (t) => {
  let tried = 0
  for (let size = 1; size <= 7; size++) {
    const members = Array.from({ length: size }, (_, at) => `n${at}`)
    const highest = size > 5 ? 2 : 3
    for (let choice = 0; choice < (highest + 1) ** size; choice++) {
      const reached = members.map((_, at) => Math.floor(choice / (highest + 1) ** at) % (highest + 1))
      const has = (index: number) => reached.filter((match) => match >= index).length * 2 > size
      const naive = [3, 2, 1].find(has) ?? 0
      const found = committed(majority(members), members, (id) => reached[members.indexOf(id)]!)
      if (found !== naive) t.fail(`${reached}: ${found}, not ${naive}`)
      tried++
    }
  }
  t.equal(tried, 4 + 16 + 64 + 256 + 1_024 + 729 + 2_187)
})
