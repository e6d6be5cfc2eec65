/** State machines that are slower than the log: what waits before them has a bound, and all of it is performed. */
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { createNode, type Peer, type RaftNode, type StateMachine } from '../../client/raft/index.js'
import { followersOf, leaderOf, peersOf } from './nodes.js'

const patient = { deadlineMs: 120_000 }
const mebibyte = 1024 * 1024
/** An entry takes four times its text in memory, and what waits may take 128 MiB. */
const bound = 128 / 4

type Step = { readonly number: number; readonly text: string }
type Lister = RaftNode<Step, number, 'all', number[]>

/** A state machine that lists the numbers of its commands; it stands still until it is told to go on. */
class Gated implements StateMachine<Step, number, 'all', number[]> {
  readonly #numbers: number[] = []
  #goesOn: Promise<void> = Promise.resolve()
  goOn = () => {}

  standStill(): void {
    this.#goesOn = new Promise((resolve) => {
      this.goOn = resolve
    })
  }

  async apply(batch: readonly { readonly command: Step }[]): Promise<number[]> {
    await this.#goesOn
    return batch.map(({ command }) => this.#numbers.push(command.number))
  }

  query(): number[] {
    return [...this.#numbers]
  }

  snapshot(): string {
    return JSON.stringify(this.#numbers)
  }

  async restore(text: AsyncIterable<string>): Promise<void> {
    let whole = ''
    for await (const piece of text) whole += piece
    this.#numbers.splice(0, this.#numbers.length, ...(JSON.parse(whole) as number[]))
  }
}

async function started(t: Test, count: number) {
  const peers = await peersOf(count)
  const machines = new Map<string, Gated>()
  const start = ({ id, peer }: Peer): Promise<Lister> => {
    const machine = new Gated()
    machines.set(id, machine)
    return createNode({ id, cluster: 'slow', peer, dataDir: null, machine, bootstrap: peers })
  }
  const nodes = await Promise.all(peers.map(start))
  t.teardown(async () => {
    for (const machine of machines.values()) machine.goOn()
    await Promise.all(nodes.map((node) => node.close({ drainMs: 0 })))
  })
  for (const node of nodes) {
    await node.untilLeader(patient)
    while (node.status.voters.length < count) await once(node, 'members')
  }
  return { nodes, machineOf: ({ id }: Lister) => machines.get(id)! }
}

const step = (number: number): Step => ({ number, text: 'x'.repeat(mebibyte - 100) })
const upTo = (count: number) => Array.from({ length: count }, (_, at) => at)

t.test('a follower: its memory has a bound, its reads wait, and it performs everything in the end', async (t) => {
  const { nodes, machineOf } = await started(t, 3)
  const [follower] = followersOf(nodes) as [Lister]
  const before = follower.status.log.last
  const behind = new Promise<void>((resolve) => {
    follower.on('notice', ({ event }) => event === 'machine_behind' && resolve())
  })
  machineOf(follower).standStill()
  const count = 2 * bound
  for (const number of upTo(count)) await leaderOf(nodes).propose(step(number), patient)
  await behind
  // What was under way when the bound was reached comes on top.
  t.ok(follower.status.log.last - before < count, `${follower.status.log.last - before} of ${count} entries`)
  let isAnswered = false
  const read = follower.read('all', patient).then(({ answer }) => {
    isAnswered = true
    return answer
  })
  await leaderOf(nodes).read('all', patient)
  t.notOk(isAnswered, 'a read waits for the state machine')
  machineOf(follower).goOn()
  t.same(await read, upTo(count))
})

t.test('a leader: it refuses what is too much, for certain, and performs all that it took', async (t) => {
  const { nodes, machineOf } = await started(t, 1)
  const [leader] = nodes as [Lister]
  machineOf(leader).standStill()
  const outcomes = upTo(2 * bound).map((number) => leader.tryPropose(step(number), patient))
  const first = await Promise.race(outcomes)
  t.match(first, { outcome: 'refused', error: { code: 'overloaded' } })
  machineOf(leader).goOn()
  const all = await Promise.all(outcomes)
  const done = all.flatMap(({ outcome }, number) => (outcome === 'done' ? [number] : []))
  t.equal(all.filter(({ outcome }) => outcome === 'refused').length, all.length - done.length)
  t.ok(done.length >= bound / 2 && done.length < all.length, `${done.length} were taken`)
  t.same((await leader.read('all', patient)).answer, done)
})
