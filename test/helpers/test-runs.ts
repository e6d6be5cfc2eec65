import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../docs.js'
import Lines from '../reporter.js'

/** Assertions that passed and failed. */
export interface Count {
  readonly passed: number
  readonly failed: number
}

/** Milliseconds after which a test that has not ended has failed, unless the environment says otherwise. */
const longestMs = 1_200_000

/** Loaded before a test; see there. */
const plainPromises = new URL('./plain-promises.js', import.meta.url).href

/** The tests that take longest, which begin first: one that begins last would leave the other cores idle. */
const longest = [
  'scenarios',
  'simulation',
  'storage/conformance',
  'client/log',
  'client/repl',
  'mutants',
  'cluster/membership',
  'matrix',
  'cluster/copied-folder',
  'lessons',
  'stages/3-protobuf-rpc',
  'cluster/scenarios-real',
  'cluster/rolling-wipe',
  'counter',
]

/** Lists the compiled tests, as paths from the root, in the order in which they begin. */
export function allTests(): string[] {
  const all = readdirSync(join(root, 'dist/test'), { recursive: true, encoding: 'utf8' })
  const tests = all.filter((path) => path.endsWith('.test.js')).sort()
  const first = longest.map((name) => `${name}.test.js`)
  const missing = first.find((path) => !tests.includes(path))
  if (missing) throw new Error(`${missing} is no test: mend the list of the longest`)
  return [...first, ...tests.filter((path) => !first.includes(path))].map((path) => join('dist/test', path))
}

/**
 * Runs compiled tests, a plain process each: the loader with which `tap` would watch its modules costs more than a
 * second a test. None is begun after `until`, a moment of `performance.now()`.
 *
 * @param environment what the processes find besides this one's
 * @param jobs tests that run at a time
 */
export async function runTests(
  tests: readonly string[],
  environment: Readonly<Record<string, string>>,
  until = Number.POSITIVE_INFINITY,
  jobs = availableParallelism(),
): Promise<Count> {
  const total = { passed: 0, failed: 0 }
  const [waiting, left]: [IterableIterator<string>, string[]] = [tests.values(), []]
  let ended = 0
  const work = async () => {
    for (const test of waiting) {
      if (performance.now() >= until) {
        left.push(test)
        continue
      }
      const began = performance.now()
      const { passed, failed } = await runTest(test, environment)
      total.passed += passed
      total.failed += failed
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      const ends = `${++ended}/${tests.length} - ${test} # ${passed} passed, ${failed} failed, ${seconds} s`
      console.log(`${failed > 0 ? 'not ok' : 'ok'} ${ends}`)
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  for (const test of left) console.log(`not played, the time was up: ${test}`)
  return total
}

/** Runs one test; prints what failed. A test that ends without a count, or badly, counts as one failure. */
async function runTest(test: string, environment: Readonly<Record<string, string>>): Promise<Count> {
  const child = spawn(process.execPath, ['--import', plainPromises, join(root, test)], {
    cwd: root,
    env: { TAP_TIMEOUT: String(longestMs / 1000), ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve))
  let count: Count | null = null
  for await (const line of createInterface(child.stdout.pipe(new Lines()))) {
    const [, passed, failed] = /^(\d+) passed, (\d+) failed/.exec(line) ?? []
    if (passed !== undefined) count = { passed: Number(passed), failed: Number(failed) }
    else if (!line.startsWith('ok ')) console.log(line)
  }
  const isBad = (await ended) !== 0
  return { passed: count?.passed ?? 0, failed: Math.max(count?.failed ?? 1, isBad ? 1 : 0) }
}
