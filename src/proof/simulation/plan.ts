import type { Command, NodeId, Timing } from '../../contracts.js'
import type { Fault } from '../../server/faults.js'
import type { DiskHealth } from './disk.js'
import type { Weather } from './network.js'
import { calm } from './network.js'
import { SeededRandom } from './random.js'

/** One step of a client: it waits, makes a call, and has the answer before its next step. */
export interface PlannedCall {
  readonly client: string
  readonly pauseMs: number
  readonly command: Command
  /** The node to ask; null if the client may choose. */
  readonly at: NodeId | null
}

export interface PlannedFault {
  /** The time of the fault, in virtual milliseconds from the start. */
  readonly at: number
  readonly fault: Fault
}

/**
 * The plan of all that is done to a cluster in one run. A plan is made from a seed, and can be played again with parts
 * left out: so a failing run is shrunk.
 */
export interface Plan {
  readonly seed: number
  readonly climate: Climate
  readonly nodes: number
  readonly timing: Timing
  /** Commands that a state machine performs in one batch at most. */
  readonly applyBatch: number
  readonly weather: Weather
  readonly disk: DiskHealth
  /** Virtual milliseconds during which faults happen; then all is mended, and the cluster must recover. */
  readonly fireMs: number
  readonly faults: readonly PlannedFault[]
  readonly calls: readonly PlannedCall[]
  /** The last command, asked when all is mended; a write to the key-value store if left out. */
  readonly last?: Command
  readonly deadlineMs: number
  /** True if faults and calls begin before the cluster is founded, where members change. */
  readonly isFoundedUnderFire?: boolean
  /** The boundary at which one process ends; it is started again soon after. */
  readonly stop?: Stop
}

/**
 * A stop ends a node's process at a boundary: before or after a thing that the node does to the world (a message
 * leaves, a write begins, a write is done, the state machine is given a batch). Boundaries are counted from 1.
 */
interface Stop {
  readonly node: NodeId
  readonly boundary: number
}

/**
 * The climates of plans. `calm`: no faults at all. `storm`: all faults at once, in a mixture that differs from seed to
 * seed. `season`: storms that come and go over a minute or two, with quiet time between them. `churn`: short, frequent
 * faults and short deadlines: leaders change all the time, and messages and half-synced writes of an earlier leader
 * meet the next.
 */
export const climates = ['calm', 'storm', 'season', 'churn'] as const
export type Climate = (typeof climates)[number]

/** The length of a season, in storms. */
const season = 20

export interface PlanOptions {
  readonly seed: number
  readonly climate: Climate
  readonly nodes?: number
  /** True if reads go to any node; false if the client chooses the node. */
  readonly readAnywhere: boolean
}

/** Makes the plan of a seed. Limits and timing are drawn too, because some disasters need small ones. */
export function makePlan(options: PlanOptions): Plan {
  const { seed, climate, nodes = 5, readAnywhere } = options
  if (climate === 'churn') return makeChurn(options)
  const random = new SeededRandom(seed)
  const ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}`)
  const stretch = climate === 'season' ? season : 1
  const fireMs = random.between(2_000, 8_000) * stretch
  const tickMs = random.pick([10, 20, 50])
  const timing = { tickMs, requestTimeoutTicks: random.between(5, 60), ...makePace(seed, tickMs) }
  const applyBatch = new SeededRandom(seed).fork().pick([1, 3, 1_024])
  const common = { seed, climate, nodes, timing, applyBatch, fireMs, deadlineMs: random.pick([500, 1_500, 5_000]) }
  const calls = makeCalls(random.fork(), ids, stretch, fireMs, readAnywhere)
  if (climate === 'calm') {
    return { ...common, calls, weather: { ...calm, maxDelayMs: 5 }, disk: makeDisk(random, false), faults: [] }
  }
  return {
    ...common,
    calls,
    weather: makeWeather(random),
    disk: makeDisk(random, true),
    faults: makeFaults(random.fork(), ids, stretch, fireMs),
  }
}

/** Makes a plan of a few seconds in which no node leads for long: elections are as frequent as commands. */
function makeChurn({ seed, climate, readAnywhere, ...options }: PlanOptions): Plan {
  const random = new SeededRandom(seed ^ 0x517cc1b7)
  const nodes = options.nodes ?? random.pick([3, 3, 5])
  const ids = Array.from({ length: nodes }, (_, at) => `n${at + 1}`)
  const fireMs = random.between(2_000, 4_000)
  const heartbeatTicks = random.between(1, 3)
  const electionTicks = heartbeatTicks * random.between(2, 4)
  const requestTimeoutTicks = random.between(10, 60)
  const appendBytes = random.pick([1, 200])
  const calls = makeCalls(random.fork(), ids, 1, fireMs, readAnywhere)
  return {
    seed,
    climate,
    nodes,
    timing: {
      tickMs: 10,
      requestTimeoutTicks,
      heartbeatTicks,
      electionTicks,
      appendBytes,
      leaseMs: makeLease(seed, electionTicks * 10),
      ...makeSnapshotLimits(seed),
      ...makeSessionLimits(seed),
    },
    applyBatch: 1_024,
    weather: makeUnevenWeather(random),
    disk: { minSyncMs: 0.2, maxSyncMs: random.pick([2, 10, 30]), failure: random.pick([0.01, 0.03, 0.1]) },
    fireMs,
    faults: makeShortFaults(random.fork(), ids, fireMs),
    calls,
    deadlineMs: random.pick([500, 1_500]),
  }
}

/** Draws weather in which most messages are quick, and some arrive long after their sender was deposed. */
function makeUnevenWeather(random: SeededRandom): Weather {
  return {
    minDelayMs: 0.5,
    maxDelayMs: random.pick([1, 3, 10]),
    loss: random.pick([0, 0.05, 0.2]),
    duplication: random.pick([0, 0.2]),
    straggling: random.pick([0.1, 0.3]),
    straggleFactor: random.between(5, 50),
  }
}

/**
 * Draws short faults: at every moment some node crashes or is cut off, and is soon back, within a term and within a
 * write.
 */
function makeShortFaults(random: SeededRandom, ids: readonly NodeId[], fireMs: number): PlannedFault[] {
  const faults: PlannedFault[] = []
  const others = (['pause', 'split', 'cut'] as const).filter(() => random.chance(0.3))
  const kinds = ['crash', 'crash', ...others] as const
  const pauseMs = random.pick([50, 150, 500])
  const restartMs = random.pick([10, 30, 100])
  for (let at = 0; at < fireMs; at += random.between(1, 2 * restartMs)) {
    faults.push({ at, fault: { word: 'restart', nodes: ids } })
  }
  const longestMs = random.pick([10, 50, 300])
  for (let at = 0; at < fireMs; at += random.between(1, 2 * pauseMs)) {
    const until = at + random.between(1, longestMs)
    const add = (moment: number, fault: Fault) => faults.push({ at: moment, fault })
    const some = shuffled(random, ids).slice(0, random.between(1, Math.ceil(ids.length / 2)))
    const kind = random.pick(kinds)
    if (kind === 'crash') {
      const nodes = random.chance(0.1) ? ids : some
      add(at, { word: 'kill', nodes })
      add(until, { word: 'restart', nodes })
    } else if (kind === 'pause') {
      add(at, { word: 'pause', nodes: some })
      add(until, { word: 'resume', nodes: some })
    } else {
      if (kind === 'split') add(at, { word: 'split', nodes: some })
      else for (const cut of makeCuts(random, ids, some, false)) add(at, cut)
      add(until, { word: 'heal' })
    }
  }
  return faults.sort((a, b) => a.at - b.at)
}

/** Draws the times of heartbeats and elections; they are drawn apart, so that the rest of the plan stays the same. */
function makePace(seed: number, tickMs: number): Omit<Timing, 'tickMs' | 'requestTimeoutTicks'> {
  const random = new SeededRandom(seed ^ 0x9e3779b9)
  const heartbeatTicks = Math.ceil(random.pick([20, 50, 100]) / tickMs)
  const appendBytes = random.pick([1, 200, 1024 * 1024])
  const electionTicks = heartbeatTicks * random.between(3, 10)
  const leaseMs = makeLease(seed, electionTicks * tickMs)
  const limits = { ...makeSnapshotLimits(seed), ...makeSessionLimits(seed) }
  return { heartbeatTicks, electionTicks, appendBytes, leaseMs, ...limits }
}

/** Draws whether leaders answer reads by leases; drawn apart, so that the rest of the plan stays the same. */
function makeLease(seed: number, electionMs: number): number {
  return new SeededRandom(seed ^ 0x3c6ef372).chance(1 / 3) ? Math.floor(0.8 * electionMs) : 0
}

/**
 * Draws the size at which a snapshot is due, and of its chunks; drawn apart, so that the rest of the plan stays the
 * same.
 */
function makeSnapshotLimits(seed: number): Pick<Timing, 'snapshotEntries' | 'snapshotBytes' | 'chunkBytes'> {
  const random = new SeededRandom(seed ^ 0x2545f491)
  const snapshotEntries = random.pick([2, 5, 20, 100])
  return { snapshotEntries, snapshotBytes: random.pick([200, 2_000]), chunkBytes: random.pick([16, 64, 1_000]) }
}

/**
 * Draws how soon sessions end, and how many there may be; drawn apart, so that the rest of the plan stays the same. In
 * many seeds a session ends while its client still uses it.
 */
function makeSessionLimits(seed: number): Pick<Timing, 'sessionTicks' | 'sessions' | 'sessionBytes'> {
  const random = new SeededRandom(seed ^ 0x6a09e667)
  const sessionTicks = random.pick([20, 100, 60_000])
  return { sessionTicks, sessions: random.pick([2, 5, 16_384]), sessionBytes: random.pick([300, 16_777_216]) }
}

/** Draws weather. Each kind of fault is absent from many seeds, so that the other kinds can be seen alone. */
function makeWeather(random: SeededRandom): Weather {
  const sometimes = (probability: number, most: number) => (random.chance(probability) ? random.next() * most : 0)
  return {
    minDelayMs: 0.5,
    maxDelayMs: random.pick([1, 5, 20, 100]),
    loss: sometimes(0.5, 0.2),
    duplication: sometimes(0.4, 0.2),
    straggling: sometimes(0.5, 0.1),
    straggleFactor: random.between(2, 30),
  }
}

function makeDisk(random: SeededRandom, storm: boolean): DiskHealth {
  const slow = storm && random.chance(0.3)
  return {
    minSyncMs: 0.2,
    maxSyncMs: slow ? random.between(10, 500) : 2,
    failure: storm && random.chance(0.1) ? 0.001 : 0,
  }
}

/**
 * Draws the calls of a few clients on a few keys: only keys that clients contend for prove something. Every write has
 * its own value.
 */
function makeCalls(
  random: SeededRandom,
  ids: readonly NodeId[],
  stretch: number,
  fireMs: number,
  readAnywhere: boolean,
): PlannedCall[] {
  const clients = random.between(2, 6)
  const keys = Array.from({ length: random.between(1, 3) }, (_, at) => `k${at + 1}`)
  const pauseMs = random.pick([10, 50, 200]) * stretch
  const perClient = Math.min(60, Math.floor(fireMs / pauseMs))
  let value = 0
  return Array.from({ length: clients * perClient }, (_, at) => {
    const command = makeCommand(random, random.pick(keys), () => `v${++value}`)
    const anywhere = readAnywhere && command.command === 'get' && random.chance(0.5)
    const pause = Math.floor(random.next() * 2 * pauseMs)
    return { client: `c${(at % clients) + 1}`, pauseMs: pause, command, at: anywhere ? random.pick(ids) : null }
  })
}

function makeCommand(random: SeededRandom, key: string, fresh: () => string): Command {
  const kind = random.next()
  if (kind < 0.4) return { command: 'get', key }
  if (kind < 0.7) return { command: 'set', key, value: fresh() }
  if (kind < 0.8) return { command: 'append', key, value: `+${fresh()}` }
  if (kind < 0.9)
    return { command: 'cas', key, expected: random.chance(0.5) ? null : `v${random.between(1, 20)}`, value: fresh() }
  return { command: 'delete', key }
}

/** Draws faults in bouts: something breaks, stays broken for a while, and is mended, or not until the end. */
function makeFaults(random: SeededRandom, ids: readonly NodeId[], stretch: number, fireMs: number): PlannedFault[] {
  const faults: PlannedFault[] = []
  const kinds = (['crash', 'pause', 'partition', 'oneWay', 'power'] as const).filter(() => random.chance(0.5))
  const bouts = kinds.length === 0 ? 0 : random.between(1, 8) * Math.ceil(stretch / 5)
  for (let bout = 0; bout < bouts; bout++) {
    const at = Math.floor(random.next() * fireMs)
    const until = at + random.between(50, 2_000)
    const add = (moment: number, fault: Fault) => faults.push({ at: moment, fault })
    const kind = random.pick(kinds)
    const some = shuffled(random, ids).slice(0, random.between(1, Math.ceil(ids.length / 2)))
    if (kind === 'crash' || kind === 'pause') {
      add(at, { word: kind === 'crash' ? 'kill' : 'pause', nodes: some })
      add(until, { word: kind === 'crash' ? 'restart' : 'resume', nodes: some })
    } else if (kind === 'power') {
      add(at, { word: 'kill', nodes: ids })
      add(until, { word: 'restart', nodes: ids })
    } else {
      for (const cut of makeCuts(random, ids, some, kind === 'partition')) add(at, cut)
      add(until, { word: 'heal' })
    }
  }
  return faults.sort((a, b) => a.at - b.at)
}

/**
 * Draws cuts. A partition cuts some nodes off from the rest; otherwise single directions fail, so that the links form
 * any graph.
 */
function makeCuts(random: SeededRandom, ids: readonly NodeId[], some: readonly NodeId[], partition: boolean): Fault[] {
  if (!partition) {
    return Array.from({ length: random.between(1, 4) }, () => {
      const [from, to] = shuffled(random, ids) as [NodeId, NodeId]
      return { word: 'cut', from, to, bothWays: false }
    })
  }
  const rest = ids.filter((id) => !some.includes(id))
  return some.flatMap((from) => rest.map((to): Fault => ({ word: 'cut', from, to, bothWays: true })))
}

/** The items in an order drawn by chance. */
export function shuffled<T>(random: SeededRandom, items: readonly T[]): T[] {
  const rest = [...items]
  return items.map(() => rest.splice(random.between(0, rest.length - 1), 1)[0]!)
}
