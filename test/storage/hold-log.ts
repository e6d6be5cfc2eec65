/** A process that opens a log, says so, and holds it until it is killed; with `write`, it writes and says what is acknowledged. */
import { WriteAheadLog } from '../../src/storage/wal.js'
import { entry, owner } from './stores.js'

const [, , folder, task] = process.argv
const log = new WriteAheadLog(folder!, owner, { segmentBytes: 2_000 })
try {
  const { entries } = await log.open()
  console.log('open')
  process.stdin.resume()
  for (let index = entries.length + 1; task === 'write'; index++) {
    await log.write({ records: [entry(index, 1)], upTo: { index, term: 1 } })
    console.log(index)
  }
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`)
}
