/** A process that opens a log, says so, and holds it until it is killed. */
import { WriteAheadLog } from '../../src/storage/wal.js'
import { owner } from './stores.js'

const log = new WriteAheadLog(process.argv[2]!, owner)
try {
  await log.open()
  console.log('open')
  process.stdin.resume()
} catch (error) {
  console.log(`${(error as Error).name}: ${(error as Error).message}`)
}
