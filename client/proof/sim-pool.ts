import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Climate } from '../../src/proof/simulation/plan.js'
import type { SweepResult } from '../../src/proof/simulation/sweep.js'
import type { Assignment } from './sim-worker.js'

export interface SweepOptions {
  readonly stage: number
  readonly climate: Climate
  readonly firstSeed: number
  readonly seeds: number
  readonly threads?: number
}

/** Runs seeds on every core; `onResult` is called with each result as it ends, in no certain order. */
export async function sweep(options: SweepOptions, onResult: (result: SweepResult) => void): Promise<void> {
  const { stage, climate, firstSeed, seeds, threads = availableParallelism() } = options
  function* jobs(): Generator<Assignment> {
    for (let seed = firstSeed; seed < firstSeed + seeds; seed++) yield { stage, climate, seed }
  }
  await shareOut(new URL('./sim-worker.js', import.meta.url), jobs(), onResult, Math.min(threads, seeds))
}

/**
 * Gives jobs to threads, one at a time to each, until all are done. Rejects when a thread throws.
 *
 * @param script of a thread: it answers each message, a job, with one message, the result
 * @param onResult called with each result as it comes, in no certain order
 */
export async function shareOut<Job, Result>(
  script: URL,
  jobs: Iterable<Job>,
  onResult: (result: Result) => void,
  threads = availableParallelism(),
): Promise<void> {
  const waiting = jobs[Symbol.iterator]()
  await Promise.all(Array.from({ length: threads }, () => work(script, waiting, onResult)))
}

/** Threads that have nothing to do, by their script: a thread takes longer to load its script than to play a seed. */
const idle = new Map<string, Worker[]>()

async function work<Job, Result>(
  script: URL,
  waiting: Iterator<Job>,
  onResult: (result: Result) => void,
): Promise<void> {
  const worker = idle.get(script.href)?.pop() ?? new Worker(script, { env: {} })
  worker.ref()
  try {
    await untilDone(worker, waiting, onResult)
  } catch (error) {
    await worker.terminate()
    throw error
  }
  worker.unref()
  idle.set(script.href, [...(idle.get(script.href) ?? []), worker])
}

function untilDone<Job, Result>(worker: Worker, waiting: Iterator<Job>, onResult: (result: Result) => void) {
  return new Promise<void>((resolve, reject) => {
    const go = () => {
      const { done, value } = waiting.next()
      if (!done) return worker.postMessage(value)
      worker.off('message', take).off('error', reject)
      resolve()
    }
    const take = (result: Result) => {
      onResult(result)
      go()
    }
    worker.on('message', take).on('error', reject)
    go()
  })
}
