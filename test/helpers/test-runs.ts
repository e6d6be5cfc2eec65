import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { root } from '../docs.js'

/** Assertions that passed and failed. */
export interface Count {
  readonly passed: number
  readonly failed: number
}

/**
 * Runs compiled tests, a process each, as many at a time as there are cores. None is begun after `until`, a moment of
 * `performance.now()`.
 *
 * @param environment what the processes find besides this one's
 */
export async function runTests(
  tests: readonly string[],
  environment: Readonly<Record<string, string>>,
  until = Number.POSITIVE_INFINITY,
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
      const { passed, failed } = await runTest(test, environment)
      total.passed += passed
      total.failed += failed
      console.log(`${++ended}/${tests.length}  ${test}: ${passed} passed, ${failed} failed`)
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  for (const test of left) console.log(`not played, the time was up: ${test}`)
  return total
}

/** Runs one test; prints what failed. A test that ends without a count, or badly, counts as one failure. */
async function runTest(test: string, environment: Readonly<Record<string, string>>): Promise<Count> {
  const child = spawn(process.execPath, [join(root, 'node_modules/tap/dist/esm/run.mjs'), test], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => void child.once('close', resolve))
  let count: Count | null = null
  for await (const line of createInterface(child.stdout)) {
    const [, passed, failed] = /^(\d+) passed, (\d+) failed/.exec(line) ?? []
    if (passed !== undefined) count = { passed: Number(passed), failed: Number(failed) }
    else if (!line.startsWith('ok ')) console.log(line)
  }
  const isBad = (await ended) !== 0
  return { passed: count?.passed ?? 0, failed: Math.max(count?.failed ?? 1, isBad ? 1 : 0) }
}
