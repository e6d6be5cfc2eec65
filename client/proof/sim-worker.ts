/** A thread of `npx raft-roadmap sim`: runs the seeds that it is given, one after another, and reports each. */
import { parentPort } from 'node:worker_threads'
import type { Climate } from '../../src/proof/simulation/plan.js'
import { runSeed } from '../../src/proof/simulation/sweep.js'
import { stages } from '../../stages/index.js'

export interface Assignment {
  readonly stage: number
  readonly climate: Climate
  readonly seed: number
}

const port = parentPort!
port.on('message', ({ stage, seed, climate }: Assignment) => {
  runSeed(stages[stage]!, seed, climate).then(
    (result) => port.postMessage(result),
    (error: Error) => {
      throw new Error(`seed ${seed} of stage ${stage} could not be run: ${error.stack}`)
    },
  )
})
