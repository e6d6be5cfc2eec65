/** Histories by name, legal and not, and what is said of them; `linearizability-random` has those drawn by chance. */
import t from 'tap'
import { isContradictory } from '../src/proof/linearizability/explain.js'
import { checkHistory, type KeyCommand, type Operation, type Violation } from '../src/proof/linearizability/index.js'
import { allCommands, isLegalOrder, isLinearizableByBruteForce, seeded, simulateHistory } from './helpers/histories.js'

const set = (value: string): KeyCommand => ({ command: 'set', key: 'a', value })
const append = (value: string): KeyCommand => ({ command: 'append', key: 'a', value })
const cas = (expected: string | null, value: string): KeyCommand => ({ command: 'cas', key: 'a', expected, value })
const get: KeyCommand = { command: 'get', key: 'a' }
const remove: KeyCommand = { command: 'delete', key: 'a' }

type Result = Pick<Operation, 'answer' | 'error'>

/** An operation that was done between two moments. */
function done(client: string, [call, returned]: [number, number], command: KeyCommand, result: Result = {}): Operation {
  return { client, command, call, return: returned, outcome: 'done', ...result }
}

function read(client: string, interval: [number, number], value: string | null): Operation {
  return done(client, interval, get, { answer: { value } })
}

function unknown(client: string, call: number, command: KeyCommand): Operation {
  return { client, command, call, return: null, outcome: 'unknown' }
}

function refused(client: string, [call, returned]: [number, number], command: KeyCommand, code: string): Operation {
  return { client, command, call, return: returned, outcome: 'refused', error: { code } }
}

function mismatch(client: string, interval: [number, number], command: KeyCommand, actual: string | null): Operation {
  return { ...refused(client, interval, command, ''), error: { code: 'cas_mismatch', actual } }
}

function onlyViolation(history: readonly Operation[]): Violation {
  const { violations } = checkHistory(history)
  if (violations.length !== 1) throw new Error(`${violations.length} violations instead of one`)
  return violations[0]!
}

const illegal: Record<string, readonly Operation[]> = {
  'stale read': [done('c1', [1, 2], set('1')), done('c1', [3, 4], set('2')), read('c2', [5, 6], '1')],
  'lost update': [
    done('c1', [1, 2], set('0')),
    done('c1', [3, 6], append('x'), { answer: { length: 2 } }),
    done('c2', [4, 5], append('y'), { answer: { length: 2 } }),
  ],
  'lost append': [
    done('c1', [1, 2], set('1')),
    done('c2', [3, 4], append('x'), { answer: { length: 2 } }),
    read('c1', [5, 6], '1'),
  ],
  'read of a value never written': [done('c1', [1, 2], set('1')), read('c2', [3, 4], '9')],
  'read of a value not written yet': [read('c2', [1, 2], '1'), done('c1', [3, 4], set('1'))],
  'two cas from the same value both succeed': [
    done('c1', [1, 2], set('0')),
    done('c1', [3, 6], cas('0', '1')),
    done('c2', [4, 5], cas('0', '2')),
  ],
  'a cas finds what it expected and is refused for it': [
    done('c1', [1, 2], set('0')),
    mismatch('c2', [3, 4], cas('0', '1'), '0'),
  ],
  'a refused cas found a value long gone': [
    done('c1', [1, 2], set('0')),
    done('c1', [3, 4], set('1')),
    mismatch('c2', [5, 6], cas('7', '8'), '0'),
  ],
  'value read after a delete': [
    done('c1', [1, 2], set('1')),
    done('c1', [3, 4], remove, { answer: { existed: true } }),
    read('c2', [5, 6], '1'),
  ],
  'two deletes remove one value': [
    done('c1', [1, 2], set('1')),
    done('c1', [3, 6], remove, { answer: { existed: true } }),
    done('c2', [4, 5], remove, { answer: { existed: true } }),
  ],
  'append applied twice': [
    done('c1', [1, 2], set('a')),
    done('c1', [3, 4], append('x'), { answer: { length: 2 } }),
    read('c2', [5, 6], 'axx'),
  ],
  'unknown write that took effect, then never had': [
    done('c1', [1, 2], set('1')),
    unknown('c2', 3, set('2')),
    read('c3', [4, 5], '2'),
    read('c3', [6, 7], '1'),
  ],
  'unknown write that took effect twice': [
    unknown('c2', 1, set('2')),
    done('c1', [2, 3], set('1')),
    read('c3', [4, 5], '2'),
    done('c1', [6, 7], set('3')),
    read('c3', [8, 9], '2'),
  ],
  'refused write that shows (G5)': [
    done('c1', [1, 2], set('1')),
    refused('c2', [3, 4], set('2'), 'no_leader'),
    read('c3', [5, 6], '2'),
  ],
  'new-old inversion': [
    done('c1', [1, 2], set('1')),
    done('c1', [3, 20], set('2')),
    read('c2', [5, 6], '2'),
    read('c3', [7, 8], '1'),
  ],
}

for (const [name, history] of Object.entries(illegal)) {
  t.test(`illegal: ${name}`, async (t) => {
    t.equal(isLinearizableByBruteForce(history), false, 'so says the brute force')
    const { window, before, explanation, order } = onlyViolation(history)
    t.ok(isLegalOrder(order), 'the beginning has a legal order')
    t.ok(window.length <= history.length)
    t.equal(checkHistory(window, { before }).verdict, 'violation', 'the window is contradictory by itself')
    t.match(explanation, 'no order explains this answer')
  })
}

t.test('a stale read is contradictory', async (t) => {
  const stale = illegal['stale read']!
  t.ok(isContradictory(stale, stale[2]!, 'absent'))
})

const legal: Record<string, readonly Operation[]> = {
  'an empty history': [],
  'unknown write taking effect much later': [
    unknown('c1', 1, set('late')),
    done('c2', [2, 3], set('1')),
    read('c2', [4, 5], '1'),
    done('c2', [6, 7], set('2')),
    read('c2', [8, 9], 'late'),
  ],
  'unknown write taking effect never': [
    unknown('c1', 1, set('never')),
    read('c2', [2, 3], null),
    read('c2', [4, 5], null),
  ],
  'unknown outcome with a moment of return all the same': [
    { ...unknown('c1', 1, set('late')), return: 2 },
    read('c2', [3, 4], null),
    read('c2', [5, 6], 'late'),
  ],
  'reads that overlap a write, the later one called first': [
    done('c1', [1, 2], set('1')),
    done('c1', [3, 10], set('2')),
    read('c2', [4, 9], '2'),
    read('c3', [5, 6], '1'),
  ],
  'writes that overlap, ordered against their calls': [
    done('c1', [1, 6], set('1')),
    done('c2', [2, 5], set('2')),
    read('c3', [7, 8], '1'),
    read('c3', [9, 10], '1'),
  ],
  'a return at the moment of a call: concurrent': [done('c1', [1, 5], set('1')), read('c2', [5, 6], null)],
  'unknown append seen in the middle': [
    done('c1', [1, 2], set('a')),
    unknown('c2', 3, append('b')),
    done('c1', [4, 5], append('c'), { answer: { length: 3 } }),
    read('c1', [6, 7], 'abc'),
  ],
  'unknown append told by a length alone': [
    unknown('c2', 1, append('bb')),
    done('c1', [2, 3], append('c'), { answer: { length: 3 } }),
  ],
  'unknown cas between two others': [
    done('c1', [1, 2], set('1')),
    unknown('c2', 3, cas('1', '2')),
    done('c1', [4, 5], cas('2', '3')),
    read('c1', [6, 7], '3'),
  ],
  'unknown delete found by another': [
    done('c1', [1, 2], set('1')),
    unknown('c2', 3, remove),
    done('c1', [4, 5], remove, { answer: { existed: false } }),
  ],
  'a write hidden under another that would write what is there': [
    done('c1', [1, 2], set('1')),
    done('c2', [3, 8], set('0')),
    done('c3', [4, 9], set('1')),
    done('c1', [5, 6], append('0'), { answer: { length: 2 } }),
    read('c1', [10, 11], '10'),
  ],
  'refused writes that nobody sees': [refused('c1', [1, 2], set('1'), 'overloaded'), read('c2', [3, 4], null)],
  'a cas that was refused without a word on what it found': [refused('c1', [1, 2], cas('1', '2'), 'cas_mismatch')],
}

for (const [name, history] of Object.entries(legal)) {
  t.test(`legal: ${name}`, async (t) => {
    t.equal(isLinearizableByBruteForce(history), true, 'so says the brute force')
    t.equal(checkHistory(history).verdict, 'linearizable')
  })
}

t.test('keys are judged apart', async (t) => {
  const onKey = (key: string, operation: Operation) => ({ ...operation, command: { ...operation.command, key } })
  const history = [
    ...legal['unknown write taking effect much later']!,
    ...illegal['stale read']!.map((o) => onKey('b', o)),
  ]
  const { verdict, keys, operations, violations, orders } = checkHistory(history)
  t.same([verdict, keys, operations, violations.length], ['violation', 2, 8, 1])
  t.equal(violations[0]?.key, 'b')
  t.equal(orders.get('a')?.length, 5)
})

t.test('what a violation looks like', async (t) => {
  t.equal(
    onlyViolation(illegal['stale read']!).explanation,
    [
      'key "a", whatever it held before:',
      '  c1  set "2"     ├───┤          done',
      '  c2  get -> "1"          ├───┤  done   <- no order explains this answer',
      `Impossible: c2's get -> "1", but c1's set "2" was done before c2 asked, and nothing wrote "1" after it.`,
    ].join('\n'),
  )
  t.match(
    onlyViolation(illegal['refused write that shows (G5)']!).explanation,
    `only c2's set "2" would have left that, and it was refused`,
  )
  t.match(
    onlyViolation(illegal['read of a value never written']!).explanation,
    'nobody had asked for anything that leaves "9"',
  )
})

const shapes = {
  'one hot key': { keys: 1, values: 'unique', unknown: 0 },
  'one hot key, hundreds of unknown outcomes': { keys: 1, values: 'unique', unknown: 0.02 },
  'one hot key, few values': { keys: 1, values: 5, unknown: 0.005 },
  'twenty keys, hundreds of unknown outcomes': { keys: 20, values: 'unique', unknown: 0.02 },
} as const

for (const [name, shape] of Object.entries(shapes)) {
  t.test(`10,000 operations of 15 clients: ${name}`, async (t) => {
    const commands: readonly KeyCommand['command'][] = shape.keys === 1 ? ['get', 'get', 'set', 'cas'] : allCommands
    const history = simulateHistory(seeded(1), { operations: 10_000, clients: 15, commands, ...shape })
    const { verdict, operations, orders } = checkHistory(history)
    t.same([verdict, operations], ['linearizable', 10_000])
    t.ok([...orders.values()].every(isLegalOrder))

    const reads = history.filter(({ outcome, answer }) => outcome === 'done' && answer?.value)
    const late = reads.at(-10)!
    const early = reads.find(({ command }) => command.key === late.command.key)!
    const value = shape.values === 'unique' ? early.answer!.value! : 'never written'
    const stale = history.map((operation) => (operation === late ? { ...operation, answer: { value } } : operation))
    const { window, before, impossible } = onlyViolation(stale)
    t.ok(window.length <= 30, `one wrong answer near the end is shown by ${window.length} operations`)
    t.equal(checkHistory(window, { before }).verdict, 'violation')
    t.equal(impossible.command.key, late.command.key)
  })
}

t.test('what takes too many steps is left undecided', async (t) => {
  const history = simulateHistory(seeded(1), {
    operations: 200,
    clients: 15,
    keys: 1,
    values: 3,
    unknown: 0.1,
    commands: allCommands,
  })
  const { verdict, undecidedKeys, violations } = checkHistory(history, { stepsPerKey: 50 })
  t.same([verdict, undecidedKeys, violations], ['undecided', ['k0'], []])
})

/** Appends of ten characters each, one after another; then perhaps a read of all of it. */
function appends(count: number, read = false): Operation[] {
  const end = 'abcdefghij'
  const done = { client: 'c1', outcome: 'done' as const }
  const history: Operation[] = Array.from({ length: count }, (_, at) => ({
    ...done,
    call: 2 * at,
    return: 2 * at + 1,
    command: { command: 'append', key: 'k0', value: end },
    answer: { length: end.length * (at + 1) },
  }))
  const get = { command: 'get', key: 'k0' } as const
  if (read)
    history.push({
      ...done,
      call: 2 * count,
      return: 2 * count + 1,
      command: get,
      answer: { value: end.repeat(count) },
    })
  return history
}

t.test('what takes too much memory is left undecided', async (t) => {
  const bytesPerKey = 1024 * 1024
  t.equal(checkHistory(appends(300, true), { bytesPerKey }).verdict, 'linearizable')
  t.equal(checkHistory(appends(400, true), { bytesPerKey }).verdict, 'undecided', 'the values alone take more')
})

t.test('values of which only the length is told take no memory for their text', async (t) => {
  const history = appends(20_000)
  t.equal(checkHistory(history, { bytesPerKey: 1024 * 1024 }).verdict, 'linearizable')
  const wrong = history.with(19_000, { ...history[19_000]!, answer: { length: 7 } })
  t.equal(checkHistory(wrong).verdict, 'violation')
})
