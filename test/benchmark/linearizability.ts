/**
 * How fast the linearizability checker is: `node dist/test/benchmark/linearizability.js` prints a table. Each line is
 * one history of 10,000 operations of a real register; the time is the median of five checks.
 */
import { checkHistory, type KeyCommand } from '../../src/proof/linearizability/index.js'
import { type HistoryShape, seeded, simulateHistory } from '../helpers/histories.js'

const operations = 10_000
const runs = 5

const mixes: Record<string, KeyCommand['command'][]> = {
  'get set': ['get', 'set'],
  'get set cas': ['get', 'get', 'set', 'cas'],
  'get set delete': ['get', 'get', 'set', 'delete'],
  'get append': ['get', 'append'],
  'all five': ['get', 'get', 'set', 'cas', 'append', 'delete'],
}

function* shapes(): Generator<[string, HistoryShape]> {
  for (const [mix, commands] of Object.entries(mixes)) {
    for (const keys of [1, 20]) {
      for (const clients of [5, 15]) {
        for (const unknown of [0, 0.005, 0.02]) {
          yield [mix, { operations, keys, clients, unknown, commands, values: 'unique' }]
        }
      }
    }
  }
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)]!
}

function line(cells: readonly (string | number)[]): string {
  const [first, ...rest] = cells
  return `${String(first).padEnd(16)}${rest.map((cell) => String(cell).padStart(13)).join('')}`
}

console.log(line(['commands', 'keys', 'clients', 'unknown', 'ms', 'operations/s', 'steps', 'verdict']))
for (const [mix, shape] of shapes()) {
  const history = simulateHistory(seeded(1), shape)
  const unknown = history.filter(({ outcome }) => outcome === 'unknown').length
  let result = checkHistory(history)
  const times = Array.from({ length: runs }, () => {
    const start = performance.now()
    result = checkHistory(history)
    return performance.now() - start
  })
  const ms = median(times)
  const perSecond = Math.round((operations / ms) * 1000)
  console.log(line([mix, shape.keys, shape.clients, unknown, Math.round(ms), perSecond, result.steps, result.verdict]))
}
