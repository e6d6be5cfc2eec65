/** Look-ups of host names, with a system's resolver that is played by hand. */
import type { LookupAddress } from 'node:dns'
import t from 'tap'
import { Lookups } from '../../src/network/lookup.js'

const first: LookupAddress[] = [{ address: '10.0.0.1', family: 4 }]
const second: LookupAddress[] = [{ address: '10.0.0.2', family: 4 }]
const failing = (code: string) => Object.assign(new Error(code), { code })

/** Look-ups whose questions are answered by hand, and whose patience ends by hand. */
function byHand() {
  const questions: { answer(found: LookupAddress[]): void; refuse(code: string): void }[] = []
  const patience = new Set<() => void>()
  const lookups = new Lookups(
    () =>
      new Promise((resolve, reject) => {
        questions.push({ answer: resolve, refuse: (code) => reject(failing(code)) })
      }),
    (_ms, task) => {
      patience.add(task)
      return () => patience.delete(task)
    },
  )
  return { lookups, questions, patience }
}

/** Look-ups that have found the name once. */
async function knowing() {
  const hand = byHand()
  const found = hand.lookups.find('n1')
  hand.questions.shift()!.answer(first)
  await found
  return hand
}

t.test('a name that is asked for twice at once is looked up once', async (t) => {
  const { lookups, questions, patience } = byHand()
  const both = [lookups.find('n1'), lookups.find('n1')]
  t.equal(questions.length, 1)
  questions[0]!.answer(first)
  t.same(await Promise.all(both), [first, first])
  t.equal(patience.size, 0, 'where nothing is known, nobody but the caller ends the waiting')
})

t.test('the last answer stands in for a resolver that is silent', async (t) => {
  const { lookups, questions, patience } = await knowing()
  const found = lookups.find('n1')
  for (const end of patience) end()
  t.same(await found, first)
  t.equal(patience.size, 0)
  questions.shift()!.answer(second)
  const next = lookups.find('n1')
  t.equal(questions.length, 0, 'a late answer is taken, and the next look-up began before it came')
  t.same(await next, second)
})

t.test('an answer that comes in time counts, and its patience ends', async (t) => {
  const { lookups, questions, patience } = await knowing()
  const found = lookups.find('n1')
  questions.shift()!.answer(second)
  t.same(await found, second)
  t.equal(patience.size, 0)
})

t.test('a resolver that cannot tell at present is none that says no', async (t) => {
  const { lookups, questions } = await knowing()
  const found = lookups.find('n1')
  questions.shift()!.refuse('EAI_AGAIN')
  t.same(await found, first)
  const gone = lookups.find('n1')
  questions.shift()!.refuse('ENOTFOUND')
  await t.rejects(gone, { code: 'ENOTFOUND' })
  const unknown = lookups.find('n1')
  questions.shift()!.refuse('EAI_AGAIN')
  await t.rejects(unknown, { code: 'EAI_AGAIN' }, 'what was said of a name that is gone is forgotten')
})

t.test('names that hang leave those that are known', async (t) => {
  const { lookups, patience } = await knowing()
  for (const name of ['n2', 'n3', 'n4']) lookups.find(name).catch(() => {})
  const found = lookups.find('n1')
  for (const end of patience) end()
  t.same(await found, first)
})
