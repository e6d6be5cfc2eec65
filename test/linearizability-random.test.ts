/** Histories drawn by chance: the checker's verdict is the one that trying every order gives. */
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { isContradictory } from '../src/proof/linearizability/explain.js'
import { checkHistory, type Operation } from '../src/proof/linearizability/index.js'
import { size } from './helpers/effort.js'
import { historyOf, isLegalOrder, isLinearizableByBruteForce, mutated } from './helpers/histories.js'

/** Everything that must be true of a result, whatever the history. */
function checkResult(t: Test, history: readonly Operation[]): boolean {
  const { verdict, orders, violations } = checkHistory(history)
  for (const order of orders.values()) {
    const ordered = new Set(order)
    const complete = history.every((operation) => operation.outcome !== 'done' || ordered.has(operation))
    if (!complete || !isLegalOrder(order)) t.fail('a linearizable key has a legal order', { history, order })
  }
  for (const { window, before, order } of violations) {
    const contradictory = before === 'anything' ? [null, '', '0', '1', '2', '01', 'other', 'v1', 'v2'] : [null]
    const explained = contradictory.some((state) => isLinearizableByBruteForce(window, heldAs(state)))
    if (explained || !isLegalOrder(order)) t.fail('a window is a witness by itself', { history, window, before })
  }
  return verdict === 'linearizable'
}

function heldAs(state: string | null): Map<string, string> {
  return new Map(state === null ? [] : [['k0', state]])
}

const seed = fc.integer({ min: 0, max: 2 ** 31 - 1 })

t.test('a history of a real register is linearizable, whatever its unknown operations did', async (t) => {
  fc.assert(
    fc.property(seed, (seed) => checkResult(t, historyOf(seed, 1, 60).history)),
    { numRuns: size(300, 1_000), seed: 1 },
  )
})

t.test('small histories, changed or not, have the verdict that trying every order gives', async (t) => {
  const seen = { linearizable: 0, violation: 0 }
  fc.assert(
    fc.property(seed, (seed) => {
      const { history, random } = historyOf(seed, 2, 7)
      const changed = mutated(history, random)
      const linearizable = checkResult(t, changed)
      seen[linearizable ? 'linearizable' : 'violation']++
      return linearizable === isLinearizableByBruteForce(changed)
    }),
    { numRuns: size(2_000, 10_000), seed: 2 },
  )
  const few = size(400, 2_000)
  t.ok(seen.linearizable > few && seen.violation > few, `both verdicts were common: ${JSON.stringify(seen)}`)
})

t.test('so have longer ones, in which few records are changed', async (t) => {
  const seen = { linearizable: 0, violation: 0 }
  fc.assert(
    fc.property(seed, (seed) => {
      const { history, random } = historyOf(seed, 12, 24)
      const at = Math.floor(random() * history.length)
      const changed = [...history.slice(0, at), ...mutated(history.slice(at, at + 3), random), ...history.slice(at + 3)]
      const linearizable = checkHistory(changed).verdict === 'linearizable'
      seen[linearizable ? 'linearizable' : 'violation']++
      return linearizable === isLinearizableByBruteForce(changed)
    }),
    { numRuns: size(300, 1_000), seed: 3 },
  )
  const few = size(50, 200)
  t.ok(seen.linearizable > few && seen.violation > few, `both verdicts were common: ${JSON.stringify(seen)}`)
})

t.test('no part of a history of a real register is taken for contradictory', async (_t) => {
  fc.assert(
    fc.property(seed, (seed) => {
      const { history } = historyOf(seed, 8, 24)
      const answered = history.filter(({ outcome }) => outcome === 'done')
      return !answered.some((suspected) => isContradictory(history, suspected, 'absent'))
    }),
    { numRuns: size(200, 500), seed: 4 },
  )
})
