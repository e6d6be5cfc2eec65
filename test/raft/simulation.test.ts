/** A program's own state machine under the simulator: what is wrong with it is found. */
import t from 'tap'
import { bytesCodec, reducer } from '../../client/raft/index.js'
import { type Chance, simulateMachine } from '../../client/raft/simulation.js'
import { size } from '../helpers/effort.js'
import { counter, type Step } from './nodes.js'

const command = (random: Chance): Step => ({ add: random.between(1, 9) })

t.test('a counter counts, in every climate', async (t) => {
  const { findings, done, unknown, restored, runs } = await simulateMachine({
    machine: counter,
    command,
    query: () => 'total' as const,
    seeds: size(8, 100),
    climates: ['calm', 'storm', 'churn'],
    invariant: (machine) => (Number(machine.snapshot()) >= 0 ? undefined : 'it is below zero'),
  })
  t.same(findings, [])
  t.equal(runs, 3 * size(8, 100))
  t.ok(done > 100 && unknown > 0 && restored > 0, `${done} done, ${unknown} unknown, ${restored} restored`)
})

t.test('commands of bytes, and a state in pieces', async (t) => {
  const machine = () => {
    let bytes: number[] = []
    return {
      apply: (batch: readonly { command: Uint8Array }[]) => batch.map(({ command }) => bytes.push(...command)),
      snapshot: () => bytes.map((byte) => `${byte} `),
      async restore(text: AsyncIterable<string>) {
        let whole = ''
        for await (const piece of text) whole += piece
        bytes = whole.split(' ').filter(Boolean).map(Number)
      },
    }
  }
  const report = await simulateMachine<Uint8Array, number>({
    machine,
    codec: bytesCodec(),
    command: (random) => Uint8Array.of(random.between(0, 255), 10),
    seeds: size(3, 50),
  })
  t.same(report.findings, [])
  t.ok(report.done > 20)
})

/** Machines that are wrong, and what is found of each. */
const wrong: Readonly<Record<string, [() => ReturnType<typeof counter>, RegExp]>> = {
  'chance in apply': [
    () =>
      reducer({
        initial: 0,
        apply: (total: number, { add }: Step) => ({
          state: total + add + Math.floor(Math.random() * 5),
          result: total,
        }),
      }) as ReturnType<typeof counter>,
    /two replicas differ in the (state|result) of entry/,
  ],
  'a restore that forgets': [
    () => ({
      ...counter(),
      async restore(text) {
        for await (const _ of text);
      },
    }),
    /two replicas differ|hold different things/,
  ],
  'a state that JSON would lose': [
    () =>
      reducer({
        initial: {} as Record<string, unknown>,
        apply: (state: Record<string, unknown>, { add }: Step) => ({
          state: { ...state, at: new Date(add) },
          result: 1,
        }),
      }) as unknown as ReturnType<typeof counter>,
    /state\.at is a Date/,
  ],
  'an error in apply': [
    () => ({
      ...counter(),
      apply: () => {
        throw new Error('it is Monday')
      },
    }),
    /apply has thrown: it is Monday/,
  ],
}

for (const [name, [machine, expected]] of Object.entries(wrong))
  t.test(`${name} is found`, async (t) => {
    const { findings } = await simulateMachine({ machine, command, seeds: 3, climates: ['churn'], shrink: false })
    t.ok(
      findings.some(({ what }) => expected.test(what)),
      String(findings[0]?.what),
    )
    t.match(findings[0], { seed: Number, climate: 'churn' })
  })

t.test('a fault is told as a small run: few nodes, few commands, few faults', async (t) => {
  const [machine] = wrong['a restore that forgets']!
  const { findings, smallest } = await simulateMachine({ machine, command, seeds: 3, climates: ['churn'] })
  t.ok(findings.length > 0)
  const { nodes, commands, faults, story } = smallest!
  t.comment(story.join('\n'))
  t.ok(nodes <= 3 && commands < 40 && faults < 40, `${nodes} nodes, ${commands} commands, ${faults} faults`)
  t.match(story[0], /^seed \d, churn: \d nodes?, \d+ commands?, \d+ faults?$/)
  t.ok(story.some((line) => /^ +\d+ ms {2}/.test(line)))
  t.match(story.at(-1), /^✘ /)
  const without = await simulateMachine({ machine, command, seeds: 1, climates: ['churn'], shrink: false })
  t.equal(without.smallest, null)
})

t.test('the smallest run has the commands that the fault needs, and no more', async (t) => {
  const invariant = (machine: ReturnType<typeof counter>) =>
    Number(machine.snapshot()) > 20 ? 'over twenty' : undefined
  const { smallest } = await simulateMachine({ machine: counter, command, seeds: 1, climates: ['storm'], invariant })
  t.match(smallest, { nodes: 1, faults: 0 })
  t.ok(smallest!.commands >= 2 && smallest!.commands <= 21, `${smallest!.commands} commands`)
})

t.test('an invariant that throws is found, with its seed', async (t) => {
  const invariant = (machine: ReturnType<typeof counter>) => {
    if (Number(machine.snapshot()) > 20) throw new Error('over twenty')
    return undefined
  }
  const seeds = { from: 4, count: 1 }
  const found = await simulateMachine({
    machine: counter,
    command,
    seeds,
    climates: ['storm'],
    invariant,
    shrink: false,
  })
  t.match(found.findings[0], { seed: 4, climate: 'storm', what: 'the invariant does not hold: over twenty' })
})
