import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Climate } from '../src/simulation/plan.js'
import type { SweepResult } from '../src/simulation/sweep.js'
import type { Assignment } from './sim-worker.js'

export interface SweepOptions {
  readonly stage: number
  readonly climate: Climate
  readonly firstSeed: number
  readonly seeds: number
  readonly threads?: number
}

/** Runs seeds on every core; `onResult` hears of each as it ends, in no certain order. */
export async function sweep(options: SweepOptions, onResult: (result: SweepResult) => void): Promise<void> {
  const { stage, climate, firstSeed, seeds, threads = availableParallelism() } = options
  let next = firstSeed
  const assign = (): Assignment | null => (next < firstSeed + seeds ? { stage, climate, seed: next++ } : null)
  const count = Math.min(threads, seeds)
  await Promise.all(Array.from({ length: count }, () => work(assign, onResult)))
}

async function work(assign: () => Assignment | null, onResult: (result: SweepResult) => void): Promise<void> {
  const worker = new Worker(new URL('./sim-worker.js', import.meta.url), { env: {} })
  try {
    await new Promise<void>((resolve, reject) => {
      const go = () => {
        const assignment = assign()
        if (assignment) worker.postMessage(assignment)
        else resolve()
      }
      worker.on('message', (result: SweepResult) => {
        onResult(result)
        go()
      })
      worker.on('error', reject)
      go()
    })
  } finally {
    await worker.terminate()
  }
}
