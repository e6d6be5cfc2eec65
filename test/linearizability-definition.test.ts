import fc from 'fast-check'
import t from 'tap'
import { checkHistory, type Operation } from '../src/linearizability/index.js'

/**
 * The definition, word for word, and as slow as that: is there an order of the operations that keeps real time (who
 * had ended before another began comes first), holds every operation whose outcome is known, may leave out the
 * others, and explains every answer as a single copy would?
 */
function isLinearizable(operations: readonly Operation[], state: string | null = null): boolean {
  if (operations.every(({ outcome }) => outcome === 'unknown')) return true
  return operations.some((candidate) => {
    const others = operations.filter((operation) => operation !== candidate)
    if (others.some(({ outcome, return: ended }) => outcome !== 'unknown' && ended! < candidate.call)) return false
    const next = perform(candidate, state)
    return next !== undefined && isLinearizable(others, next)
  })
}

/** What the key holds afterwards; undefined if the answer cannot have been that. */
function perform({ command, outcome, answer, error }: Operation, state: string | null): string | null | undefined {
  const given = outcome === 'unknown' ? undefined : (answer ?? {})
  switch (command.command) {
    case 'get':
      return given && given.value !== state ? undefined : state
    case 'set':
      return command.value
    case 'delete':
      return given && given.existed !== (state !== null) ? undefined : null
    case 'append': {
      const longer = (state ?? '') + command.value
      return given && given.length !== longer.length ? undefined : longer
    }
    case 'cas': {
      if (outcome === 'refused') return error?.actual === state && state !== command.expected ? state : undefined
      if (state === command.expected) return command.value
      return given ? undefined : state
    }
  }
}

const value = fc.constantFrom('a', 'b')
const held = fc.constantFrom(null, 'a', 'b', 'ab')
const moments = fc.tuple(fc.nat(12), fc.nat(6))

/** One operation with any answer at all; most histories of a few of these are wrong, and many are not. */
const operation: fc.Arbitrary<Operation> = fc
  .tuple(fc.constantFrom('get', 'set', 'delete', 'append', 'cas'), value, held, held, moments, fc.nat(9))
  .map(([command, value, expected, found, [call, lasts], fate]) => {
    const base = { client: 'c', call, return: call + lasts }
    const fields = { get: {}, set: { value }, delete: {}, append: { value }, cas: { expected, value } }[command]
    const asked = { ...base, command: { command, key: 'k', ...fields } }
    if (fate === 0) return { ...asked, return: null, outcome: 'unknown' } as unknown as Operation
    if (command === 'cas' && fate < 5) {
      return { ...asked, outcome: 'refused', error: { code: 'cas_mismatch', actual: found } } as unknown as Operation
    }
    const answer = { value: found, existed: found !== null, length: 1 + (found?.length ?? 0) }
    return { ...asked, outcome: 'done', answer } as unknown as Operation
  })

t.test('on every small history the checker says what the definition says', async (t) => {
  const seen = { linearizable: 0, violation: 0 }
  fc.assert(
    fc.property(fc.array(operation, { minLength: 1, maxLength: 6 }), (history) => {
      const expected = isLinearizable(history) ? 'linearizable' : 'violation'
      seen[expected]++
      const { verdict, violations } = checkHistory(history)
      if (verdict !== expected) return false
      return violations.every(({ window }) => window.length <= history.length && window.length > 0)
    }),
    { numRuns: 20_000 },
  )
  t.ok(seen.linearizable > 2_000 && seen.violation > 2_000, `both verdicts were plentiful: ${JSON.stringify(seen)}`)
})
