/**
 * `npm run bench:vectors`: a search over many vectors, and what the node's own thread feels of it. It measures the
 * longest delay of the event loop, with search threads and without.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { encodeVector } from '../../../client/applications/vectors/encoding.js'
import { VectorMachine } from '../../../client/applications/vectors/machine.js'
import { type Metric, metrics } from '../../../client/applications/vectors/search.js'
import { systemClock } from '../../../src/clock.js'
import { SeededRandom } from '../../../src/proof/simulation/random.js'

const [rows = 100_000, dimension = 384] = process.argv.slice(2).map(Number)
const together = 400
const searches = 20

const random = new SeededRandom(1)
const vector = () => encodeVector(Float32Array.from({ length: dimension }, () => random.next() - 0.5))

async function filled(threads: boolean): Promise<VectorMachine> {
  const machine = new VectorMachine(systemClock, { threads })
  await machine.apply([{ command: 'create_store', store: 'docs', dimension }])
  for (let at = 0; at < rows; at += together) {
    const items = Array.from({ length: Math.min(together, rows - at) }, (_, one) => ({
      id: `item ${at + one}`,
      vector: vector(),
      metadata: { half: String(one % 2) },
    }))
    await machine.apply([{ command: 'set', store: 'docs', items }])
  }
  return machine
}

async function measured(machine: VectorMachine, metric: Metric, where?: object) {
  const ask = () => machine.query([{ command: 'nearest', store: 'docs', vector: vector(), metric, ...where }])
  await ask()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const began = performance.now()
  for (let count = 0; count < searches; count++) await ask()
  const ms = (performance.now() - began) / searches
  delay.disable()
  return { ms, longestMs: delay.max / 1e6 }
}

console.log(`${rows} vectors of ${dimension} numbers, ${searches} searches each, Node ${process.version}`)
for (const threads of [true, false]) {
  const machine = await filled(threads)
  for (const metric of metrics)
    for (const where of [undefined, { where: { half: '1' } }]) {
      const { ms, longestMs } = await measured(machine, metric, where)
      const what = `${threads ? 'threads' : 'none   '}  ${metric}${where ? ', half by metadata' : ''}`
      console.log(
        `${what.padEnd(38)} ${ms.toFixed(1)} ms a search, longest delay of the loop ${longestMs.toFixed(1)} ms`,
      )
    }
}
