import t from 'tap'
import type { Command } from '../src/contracts.js'
import { simulatedMembers } from '../src/proof/simulation/cluster.js'
import type { CounterName } from '../src/proof/simulation/counters.js'
import { calm } from '../src/proof/simulation/network.js'
import type { Plan } from '../src/proof/simulation/plan.js'
import { simulate } from '../src/proof/simulation/simulate.js'
import type { Fault } from '../src/server/faults.js'
import { stages } from '../stages/index.js'
import { size } from './helpers/effort.js'

/** What happens in a scenario, by virtual milliseconds, beside two clients that write all the time. */
interface Script {
  readonly fromStage: number
  /** What must happen in it when nobody ends. */
  readonly reaches: readonly CounterName[]
  readonly faults?: readonly (readonly [at: number, fault: Fault])[]
  readonly changes?: readonly (readonly [at: number, command: Command])[]
  readonly isFoundedUnderFire?: boolean
}

const fireMs = 400
const members = simulatedMembers(5)
const named = (ids: readonly string[]) => members.filter(({ id }) => ids.includes(id))
const add = (id: string): Command => {
  const { client, peer } = named([id])[0]!
  return { command: 'add_node', node: id, client, peer }
}
const reconfigure = (...ids: string[]): Command => ({
  command: 'reconfigure',
  voters: named(ids).map(({ id, client, peer }) => `${id}=${client}/${peer}`),
})

const scripts: Readonly<Record<string, Script>> = {
  'writes, and snapshots of them': { fromStage: 7, reaches: ['snapshot'] },
  'the leader is killed and comes back': {
    fromStage: 7,
    reaches: ['elected', 'snapshot'],
    faults: [
      [100, { word: 'kill', nodes: ['n1'] }],
      [300, { word: 'restart', nodes: ['n1'] }],
    ],
  },
  'a follower that was away is sent a snapshot': {
    fromStage: 7,
    reaches: ['snapshot_sent', 'installed'],
    faults: [
      [120, { word: 'split', nodes: ['n3'] }],
      [350, { word: 'heal' }],
    ],
  },
  'a leader that was cut off is deposed': {
    fromStage: 7,
    reaches: ['deposed', 'elected'],
    faults: [
      [150, { word: 'split', nodes: ['n1'] }],
      [350, { word: 'heal' }],
    ],
  },
  'the power goes for all': {
    fromStage: 7,
    reaches: ['power_loss', 'elected'],
    faults: [
      [200, { word: 'kill', nodes: ['n1', 'n2', 'n3'] }],
      [230, { word: 'restart', nodes: ['n1', 'n2', 'n3'] }],
    ],
  },
  'a cluster is founded': { fromStage: 8, reaches: ['members'], isFoundedUnderFire: true },
  'a node joins': { fromStage: 8, reaches: ['members'], changes: [[50, add('n4')]] },
  'a follower is removed': {
    fromStage: 8,
    reaches: ['removed'],
    changes: [[50, { command: 'remove_node', node: 'n3' }]],
  },
  'the leader is removed': {
    fromStage: 8,
    reaches: ['retired'],
    changes: [[50, { command: 'remove_node', node: 'n1' }]],
  },
  'others take the place of almost all': {
    fromStage: 8,
    reaches: ['removed', 'retired'],
    changes: [[50, reconfigure('n2', 'n4', 'n5')]],
  },
  'a disk is lost, and its node taken in again': {
    fromStage: 8,
    reaches: ['wipe', 'members'],
    faults: [[50, { word: 'wipe', nodes: ['n3'] }]],
    changes: [[80, add('n3')]],
  },
}

function planOf({ faults = [], changes = [], isFoundedUnderFire = false }: Script): Plan {
  const writes = Array.from({ length: 12 }, (_, at) => ({
    client: `c${(at % 2) + 1}`,
    pauseMs: 25,
    command: { command: 'set', key: `k${at % 3}`, value: `v${at}` },
    at: null,
  }))
  return {
    ...{
      seed: 1,
      climate: 'storm',
      nodes: 3,
      applyBatch: 3,
      weather: calm,
      fireMs,
      deadlineMs: 400,
      isFoundedUnderFire,
    },
    timing: {
      ...{ tickMs: 10, requestTimeoutTicks: 30, heartbeatTicks: 3, electionTicks: 9, appendBytes: 300, leaseMs: 0 },
      ...{ snapshotEntries: 5, snapshotBytes: 10_000, chunkBytes: 300 },
      ...{ sessionTicks: 60_000, sessions: 16_384, sessionBytes: 16_777_216 },
    },
    disk: { minSyncMs: 1, maxSyncMs: 3, failure: 0 },
    faults: faults.map(([at, fault]) => ({ at, fault })),
    calls: [...writes, ...changes.map(([at, command]) => ({ client: 'op', pauseMs: at, command, at: null }))],
  }
}

for (const [title, script] of Object.entries(scripts)) {
  const stage = stages[script.fromStage]!
  t.test(`stage ${stage.number}: ${title}, and a process ends at each boundary of what it does`, async (t) => {
    const plan = planOf(script)
    const undisturbed = await simulate(stage, plan)
    t.same(undisturbed.findings, [], 'undisturbed')
    for (const name of script.reaches) t.ok(undisturbed.counters[name] > 0, name)
    let stops = 0
    for (const [node, boundaries] of undisturbed.boundaries) {
      for (let boundary = 1; boundary <= boundaries; boundary += size(31, 1)) {
        const { findings } = await simulate(stage, { ...plan, stop: { node, boundary } })
        if (findings.length > 0) t.fail(`${node} ends at boundary ${boundary}`, { findings })
        stops++
      }
    }
    t.ok(stops > size(1, 50), `${stops} stops`)
    t.comment(`${stops} stops`)
  })
}
