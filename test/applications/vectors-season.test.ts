/** The vector stores in the simulator: replicas hold the same, give equal answers, and find the same. */
import t from 'tap'
import { commands } from '../../client/applications/vectors/commands.js'
import { metrics } from '../../client/applications/vectors/search.js'
import { vectorStores } from '../../client/applications/vectors/vectors.js'
import type { Application } from '../../src/application.js'
import type { Answer, Command, StateMachine } from '../../src/contracts.js'
import { type Climate, climates, type Plan } from '../../src/proof/simulation/plan.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import { simulate } from '../../src/proof/simulation/simulate.js'
import { planFor } from '../../src/proof/simulation/sweep.js'
import { withApplication } from '../../src/stage.js'
import production from '../../stages/10-production/stage.js'
import { size } from '../helpers/effort.js'

const stores = ['docs', 'pictures']
const ids = ['a', 'b', 'c', 'd', 'e', 'f']
const dimension = 3

/** Draws a command that a client asks for. */
function draw(random: SeededRandom, isRead: boolean): Command {
  const store = random.pick(stores)
  const vector = () => Array.from({ length: dimension }, () => random.between(-4, 4))
  const metadata = () => ({ lang: random.pick(['en', 'de']) })
  if (isRead)
    return random.chance(0.2)
      ? { command: 'list_stores' }
      : { command: 'nearest', store, vector: vector(), k: 3, metric: random.pick(metrics) }
  if (random.chance(0.25)) return { command: 'create_store', store, dimension }
  if (random.chance(0.05)) return { command: 'drop_store', store }
  if (random.chance(0.1)) return { command: 'delete', store, where: metadata() }
  if (random.chance(0.15)) return { command: 'delete', store, ids: [random.pick(ids)] }
  const chosen = ids.filter(() => random.chance(0.4))
  const items = (chosen.length > 0 ? chosen : ['a']).map((id) => ({ id, vector: vector(), metadata: metadata() }))
  return { command: 'set', store, items }
}

/** A command as a client port would take it. */
function checked(command: Command): Command {
  const result = commands[command.command as keyof typeof commands].check(command)
  if (!result.ok) throw new Error(result.error.message)
  return result.command
}

function planOf(seed: number, climate: Climate): Plan {
  const plan = planFor(production, seed, climate)
  const random = new SeededRandom(seed ^ 0x3c6ef372)
  const calls = plan.calls.map((call) =>
    'key' in call.command ? { ...call, command: checked(draw(random, call.command.command === 'get')) } : call,
  )
  return { ...plan, calls, last: { command: 'create_store', store: 'last', dimension } }
}

/** Answers of all replicas: to the command of an entry, and to a read behind an entry. */
class Comparison {
  readonly contradictions: string[] = []
  restored = 0
  readonly #answers = new Map<string, string>()

  /** How many answers were those of another replica, too. */
  same = 0

  compare(what: string, answer: Answer): void {
    const text = JSON.stringify(answer)
    const before = this.#answers.get(what)
    if (before === text) this.same++
    else if (before !== undefined) this.contradictions.push(`${what}: ${before}, and ${text}`)
    this.#answers.set(what, text)
  }

  watch(application: Application): Application {
    return { ...application, machine: (clock, random) => this.#watched(application.machine(clock, random)) }
  }

  #watched(machine: StateMachine): StateMachine {
    // Reads are compared where their place is known: behind a batch, and not behind a snapshot.
    let last: number | null = 0
    return {
      apply: async (batch, places = []) => {
        const answers = await machine.apply(batch, places)
        for (const [at, answer] of answers.entries()) this.compare(`entry ${places[at]!.index}`, answer)
        last = places.at(-1)?.index ?? last
        return answers
      },
      query: async (batch) => {
        const behind = last
        const answers = await machine.query(batch)
        for (const [at, answer] of answers.entries())
          if (behind !== null) this.compare(`${JSON.stringify(batch[at])} behind ${behind}`, answer)
        return answers
      },
      snapshot: () => machine.snapshot(),
      restore: async (body) => {
        last = null
        this.restored++
        await machine.restore(body)
      },
      contents: () => machine.contents(),
    }
  }
}

async function play(seed: number, climate: Climate, application = vectorStores({ threads: false })) {
  const comparison = new Comparison()
  const simulated = withApplication(production, comparison.watch(application))
  const { findings, counters } = await simulate(simulated, planOf(seed, climate))
  return { comparison, findings, counters }
}

for (const climate of climates)
  t.test(`${climate}: replicas answer alike, with every check of the simulator`, async (t) => {
    let [same, snapshots, done] = [0, 0, 0]
    for (let seed = 1; seed <= size(climate === 'season' ? 1 : 3, 40); seed++) {
      const { comparison, findings, counters } = await play(seed, climate)
      t.same(findings, [], `seed ${seed}`)
      t.same(comparison.contradictions, [], `seed ${seed}`)
      same += comparison.same
      snapshots += counters.snapshot
      done += counters.done
    }
    t.ok(same > 0 && snapshots > 0 && done > 0, `${same} equal answers, ${snapshots} snapshots, ${done} calls done`)
  })

t.test('a machine whose answers differ from life to life would be caught', async (t) => {
  const right = vectorStores({ threads: false })
  let lives = 0
  const machine: Application['machine'] = (clock, random) => {
    const one = right.machine(clock, random)
    const life = lives++
    const apply: StateMachine['apply'] = async (batch, places) => {
      const answers = await one.apply(batch, places)
      return answers.map((answer) => (answer.ok && 'added' in answer ? { ...answer, life: life % 2 } : answer))
    }
    return {
      apply,
      query: (batch) => one.query(batch),
      snapshot: () => one.snapshot(),
      restore: (body) => one.restore(body),
      contents: () => one.contents(),
    }
  }
  const { comparison } = await play(1, 'calm', { ...right, machine })
  t.ok(comparison.contradictions.length > 0)
})
