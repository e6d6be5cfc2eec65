/**
 * Our checker and an outside one agree: z3, which decides the definition of linearizability as `helpers/smt.ts` writes it
 * down. `engine/etcd-chaos` and `cluster/production` have histories of real clusters judged by both.
 */
import t from 'tap'
import { checkHistory, type Operation } from '../src/proof/linearizability/index.js'
import { makePlan } from '../src/proof/simulation/plan.js'
import { simulate } from '../src/proof/simulation/simulate.js'
import { stages } from '../stages/index.js'
import { size } from './helpers/effort.js'
import { historyOf, mutated } from './helpers/histories.js'
import { agree, largestOf, type Piece, piecesOf, z3Only } from './helpers/smt.js'

const seeds = (count: number) => Array.from({ length: count }, (_, at) => at + 1)

/** The same history by a coarse clock, by which more calls and returns have the same moment. */
const coarse = (operations: readonly Operation[]) =>
  operations.map((one) => ({ ...one, call: one.call >> 3, return: one.return === null ? null : one.return >> 3 }))

/** A history drawn by chance, three of four with some changed records, of a key that held nothing before, or anything. */
function drawn(seed: number): Piece {
  const { history, random } = historyOf(seed, 2, 9)
  const at = Math.floor(random() * history.length)
  const changed = [...history.slice(0, at), ...mutated(history.slice(at, at + 3), random), ...history.slice(at + 3)]
  const operations = seed % 4 === 0 ? history : changed
  return {
    operations: seed % 3 === 0 ? coarse(operations) : operations,
    before: seed % 5 === 0 ? 'anything' : 'absent',
  }
}

/** Checkers that are wrong, each as what it takes a history for: they show that z3 tells a wrong one from ours. */
const wrongCheckers: Readonly<Record<string, (operations: readonly Operation[]) => readonly Operation[]>> = {
  'forgets real time': (operations) =>
    operations.map((one) => ({ ...one, call: 0, return: one.return === null ? null : 0 })),
  'takes a return at the moment of a call for earlier': (operations) =>
    operations.map((one) => ({
      ...one,
      call: 2 * one.call,
      return: one.return === null ? null : Math.max(2 * one.return - 1, 2 * one.call),
    })),
  'takes unknown for never performed': (operations) => operations.filter(({ outcome }) => outcome !== 'unknown'),
  'takes unknown for done at once': (operations) =>
    operations.map((one) => {
      const isWrite = one.command.command === 'set' && one.outcome === 'unknown'
      return isWrite ? { ...one, outcome: 'done', return: one.call } : one
    }),
  'takes refused for unknown': (operations) =>
    operations.map((one) => (one.outcome === 'refused' && !one.error?.actual ? { ...one, outcome: 'unknown' } : one)),
  'believes no refused cas': (operations) => operations.filter(({ outcome }) => outcome !== 'refused'),
  'reads no length of an append': (operations) =>
    operations.map((one) =>
      one.command.command === 'append' && one.outcome === 'done' ? { ...one, outcome: 'unknown' } : one,
    ),
}

t.test('on histories drawn by chance, the checker and z3 agree, and a wrong checker does not', z3Only, async (t) => {
  const pieces = seeds(size(160, 3_000)).map(drawn)
  const judged = await agree(t, pieces)
  for (const verdict of ['linearizable', 'violation'] as const) {
    t.ok(judged.filter((one) => one === verdict).length > size(20, 500), `${verdict} was common`)
  }
  for (const [what, taken] of Object.entries(wrongCheckers)) {
    const found = pieces.filter(({ operations, before }, at) => {
      const wrong = checkHistory(taken(operations), { before }).verdict
      return judged[at] !== 'undecided' && wrong !== judged[at]
    })
    t.ok(found.length > 0, `a checker that ${what} is found out`)
  }
})

/** Pieces of histories of a stage under faults in virtual time, and each violation as our checker shows it. */
async function piecesOfStage(number: number): Promise<Piece[]> {
  const pieces: Piece[] = []
  for (const seed of seeds(size(2, 20))) {
    const plan = makePlan({ seed, climate: 'storm', readAnywhere: true })
    const { operations } = await simulate(stages[number]!, plan)
    const { violations } = checkHistory(operations)
    pieces.push(...largestOf(piecesOf(operations, 20), size(8, 20)))
    pieces.push(...violations.map(({ window, before }) => ({ operations: window, before })))
  }
  return pieces
}

t.test('so they do on stage 2 under faults, which breaks its promise', z3Only, async (t) => {
  const judged = await agree(t, await piecesOfStage(2))
  t.ok(judged.includes('violation'))
})

t.test('and on stage 10 under faults, which keeps it', z3Only, async (t) => {
  const judged = await agree(t, await piecesOfStage(10))
  t.ok(judged.includes('linearizable') && !judged.includes('violation'))
})
