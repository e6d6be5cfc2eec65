/** A process that uses up its file descriptors, and has a log that begins segments and saves snapshots all the same. */
import { openSync } from 'node:fs'
import { openLogStore } from '../../src/storage/open-log-store.js'
import { bodyText, entry, headerOf, lines, owner, snapshot } from './stores.js'

const log = openLogStore('file', process.argv[2]!, owner)
await log.open()
try {
  for (;;) openSync('/dev/null', 'r')
} catch {
  console.log('used up')
}
for (const index of [2, 4, 6]) {
  await log.write({ records: [entry(index - 1, 1), entry(index, 1)], upTo: { index, term: 1 } })
  await log.snapshots.save(headerOf({ index, term: 1 }), lines(bodyText({ index, term: 1 })))
  await log.write({ records: [snapshot(index, 1)], upTo: { index, term: 1 } })
  console.log('goes on')
}
await log.close()
