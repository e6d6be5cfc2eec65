/**
 * State machines that are slower than the log, in virtual time and in the middle of faults: what waits before them has a
 * bound, nothing is lost, and the cluster goes on. PROOF=long takes more seeds.
 */
import t from 'tap'
import type { Clock, StateMachine } from '../src/contracts.js'
import { makePlan } from '../src/proof/simulation/plan.js'
import { type Moment, simulate } from '../src/proof/simulation/simulate.js'
import production from '../stages/10-production/stage.js'
import { size } from './helpers/effort.js'

/** Bytes of memory that may wait: those of three or four entries. */
const unappliedBytes = 3_000
/** Virtual milliseconds that a batch takes, and the commands in it at most: fewer than clients ask for. */
const [batchMs, applyBatch] = [40, 2]

/** The key-value store, as slow as that. */
function slowMachine(clock: Clock): StateMachine {
  const machine = production.application.machine(clock)
  return {
    ...{ contents: () => machine.contents(), query: (batch) => machine.query(batch) },
    ...{ snapshot: () => machine.snapshot(), restore: (body) => machine.restore(body) },
    async apply(batch, places) {
      await new Promise<void>((resolve) => void clock.after(batchMs, resolve))
      return machine.apply(batch, places)
    },
  }
}

const slow = production.withApplication({ ...production.application, machine: slowMachine })

for (const climate of ['storm', 'churn'] as const)
  t.test(`${climate}: state machines that are slower than the log`, async (t) => {
    let isBehind = 0
    for (let seed = 1; seed <= size(4, 200); seed++) {
      const plan = makePlan({ seed, climate, readAnywhere: true })
      const told: Moment[] = []
      const timing = { ...plan.timing, unappliedBytes }
      const { findings } = await simulate(slow, { ...plan, timing, applyBatch }, (event) => void told.push(event))
      t.same(findings, [], `seed ${seed}`)
      if (told.some(({ event }) => event === 'machine_behind')) isBehind++
    }
    t.ok(isBehind > 0, `in ${isBehind} seeds some state machine was far behind`)
  })
