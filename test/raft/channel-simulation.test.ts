/** Programs with channels in virtual time: they share a log while nodes are killed, cut off and paused. */
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { wrongGuards } from '../../client/proof/wrong-rules/10-production-guard.js'
import { EndingClock } from '../../client/raft/clock.js'
import { type ChannelResponse, jsonCodec, reducer } from '../../client/raft/index.js'
import { applicationOf } from '../../client/raft/machine.js'
import { RaftNode } from '../../client/raft/raft-node.js'
import { stageOf } from '../../client/raft/table.js'
import { defaultTiming } from '../../src/contracts.js'
import { SimulatedCluster } from '../../src/proof/simulation/cluster.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'
import type { Stage } from '../../src/stage.js'
import type production from '../../stages/10-production/stage.js'
import { size } from '../helpers/effort.js'
import { countOn } from './sharing.js'
import { naturals } from './tally.js'

type Program = RaftNode<number, number>

const machine = () =>
  reducer({
    initial: [] as number[],
    apply: (all: number[], command: number) => ({ state: [...all, command], result: all.length + 1 }),
  })

const application = applicationOf('numbers', jsonCodec<number>(), machine)
const ofLibrary = stageOf(application)
/** Wrong guards that programs notice; claims catch the others. */
const seen = new Set(['guard-by-commit', 'guard-not-passed-on'])

/** The numbers that a program was told unasked, in order. */
const toldTo = (heard: readonly ChannelResponse<number>[]) =>
  heard.flatMap((one) =>
    one.type === 'Accepted' && one.id !== 'look' ? one.entries.map(({ command }) => command) : [],
  )

/** Puts programs upon simulated nodes: a program lives as long as the node under it. */
class Programs {
  readonly #cluster: SimulatedCluster
  readonly #random: SeededRandom
  readonly #living = new Map<string, { readonly raft: Program; readonly under: object }>()
  /** The responses of each program, in order. */
  readonly heard: ChannelResponse<number>[][] = []
  readonly faults: unknown[] = []
  /** Appends that were accepted, of all programs together. */
  accepted = 0

  constructor(cluster: SimulatedCluster, random: SeededRandom) {
    this.#cluster = cluster
    this.#random = random
  }

  /** Ends programs whose node has ended, starts others in their place, and tells all that time has gone on. */
  async follow(ids: readonly string[]): Promise<void> {
    for (const id of ids) {
      const under = this.#cluster.host(id).node
      const living = this.#living.get(id)
      if (living && living.under !== under) {
        this.#living.delete(id)
        living.raft.failed(new Error('killed'))
      }
      if (under && !this.#living.has(id)) this.#start(id, under)
      this.#living.get(id)?.raft.turned()
    }
    await turn()
  }

  #start(id: string, under: NonNullable<ReturnType<SimulatedCluster['host']>['node']>): void {
    const { timeline } = this.#cluster
    const clock = new EndingClock({
      now: () => timeline.now,
      after: (ms, task) => timeline.after(ms, task),
      soon: (task) => timeline.schedule(0, task),
    })
    const random = this.#random
    const raft: Program = new RaftNode(id, { codec: jsonCodec(), commandBytes: 2 ** 20, clock, random })
    const ask: typeof under.ask = (request, answer) =>
      this.#cluster.host(id).arrive((node) => node === under && under.ask(request, answer))
    raft.attach({ node: under, ask, release: async () => {} })
    raft.turned()
    this.#living.set(id, { raft, under })
    const mine: ChannelResponse<number>[] = []
    this.heard.push(mine)
    const hear = (response: ChannelResponse<number>) => {
      mine.push(response)
      if (response.type === 'Accepted' && typeof response.id === 'number') this.accepted++
    }
    const pause = () => new Promise<void>((go) => timeline.schedule(random.between(0, 40), go))
    countOn(raft.channel({ from: 1 }), Number.POSITIVE_INFINITY, hear, pause).catch((error: unknown) => {
      if (this.#living.get(id)?.raft === raft) this.faults.push(error)
    })
  }
}

const ids = ['n1', 'n2', 'n3']
const breaks = ['kill', 'cut', 'pause', 'nothing'] as const

/** Plays faults under programs, then mends all. @returns the programs, and the appends that were accepted afterwards */
async function play(stage: Stage, seed: number) {
  const random = new SeededRandom(seed)
  const timing = { ...defaultTiming, snapshotEntries: 10_000 }
  const cluster = await SimulatedCluster.start({ stage, seed, nodes: 3, spare: false, timing })
  const programs = new Programs(cluster, random)
  const until = async (ms: number) => {
    const end = cluster.now + ms
    cluster.timeline.schedule(ms, () => {})
    while (cluster.timeline.next <= end) {
      await cluster.step()
      await programs.follow(ids)
    }
  }
  await until(500)
  for (let bout = 0; bout < 3; bout++) {
    const one = random.pick(ids)
    const how = random.pick(breaks)
    if (how === 'kill') cluster.kill(one)
    if (how === 'pause' && cluster.host(one).condition === 'up') cluster.pause(one)
    if (how === 'cut') for (const other of ids) if (other !== one) cluster.cut(one, other, true)
    await until(random.between(200, 2_500))
    if (cluster.host(one).condition === 'dead') cluster.restart(one)
    if (cluster.host(one).condition === 'paused') cluster.resume(one)
    cluster.heal()
    await until(random.between(0, 500))
  }
  const before = programs.accepted
  await until(4_000)
  return { programs, went: programs.accepted - before }
}

t.test('programs share a log, whatever happens to their nodes', async (t) => {
  let unknown = 0
  let rejected = 0
  for (let seed = 1; seed <= size(4, 60); seed++) {
    const { programs, went } = await play(ofLibrary, seed)
    t.same(programs.faults, [], `seed ${seed}`)
    t.ok(went > 0, `seed ${seed}: ${went} appends when all was mended`)
    for (const heard of programs.heard) {
      const told = toldTo(heard)
      t.same(told, naturals(told.length), `seed ${seed}: each number once, in order`)
      unknown += heard.filter(({ type }) => type === 'Unknown').length
      rejected += heard.filter(({ type }) => type === 'Rejected').length
    }
  }
  t.ok(unknown > 0 && rejected > 0, `${unknown} unknown, ${rejected} rejected`)
})

for (const { name, what, stage } of wrongGuards) {
  if (!seen.has(name)) continue
  t.test(`the same play shows a wrong guard: ${what}`, async (t) => {
    const wrong = stageOf(application, (stage as typeof production).table)
    for (let seed = 1; seed <= 40; seed++) {
      const { programs, went } = await play(wrong, seed)
      const isCounted = programs.heard.map(toldTo).every((told) => String(told) === String(naturals(told.length)))
      if (isCounted && went > 0) continue
      return t.pass(`seed ${seed}`)
    }
    t.fail('no seed shows it')
  })
}
