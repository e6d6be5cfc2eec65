/** A process with a node of the library inside, for `npm run bench:library`: it works when its parent says so. */
import { createHistogram } from 'node:perf_hooks'
import { createNode, type NodeOptions } from '../../client/raft/index.js'

interface Put {
  readonly key: string
  readonly value: string
}

/** Work of one measurement: so many commands under way, for so long. */
export interface Work {
  readonly atOnce: number
  readonly ms: number
  readonly valueBytes: number
}

export interface Worked {
  readonly operations: number
  readonly ms: number
  readonly p50: number
  readonly p99: number
}

const state = new Map<string, string>()
const settings = JSON.parse(process.argv[2]!) as Pick<NodeOptions<Put, null>, 'id' | 'peer' | 'bootstrap' | 'dataDir'>
const node = await createNode<Put, null>({
  ...settings,
  cluster: 'measured',
  machine: {
    apply: (batch) =>
      batch.map(({ command }) => {
        state.set(command.key, command.value)
        return null
      }),
    snapshot: () => JSON.stringify([...state]),
    restore: async () => {},
  },
  timing: { snapshotEntries: 1e9, snapshotBytes: 1e12 },
})

const nanosecondsInMs = 1e6

async function work({ atOnce, ms, valueBytes }: Work): Promise<Worked> {
  const latency = createHistogram({ lowest: 1, highest: 60e9, figures: 3 })
  const begin = performance.now()
  const value = 'x'.repeat(valueBytes)
  let operations = 0
  const one = async (at: number) => {
    for (let turn = 0; performance.now() - begin < ms; turn++) {
      const asked = process.hrtime.bigint()
      await node.propose({ key: `k${(at + turn * atOnce) % 10_000}`, value }, { deadlineMs: 60_000 })
      latency.record(process.hrtime.bigint() - asked)
      operations++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, at) => one(at)))
  const [p50, p99] = [50, 99].map((part) => latency.percentile(part) / nanosecondsInMs)
  return { operations, ms: performance.now() - begin, p50: p50!, p99: p99! }
}

process.on('message', (message: Work | 'end' | 'role') => {
  if (message === 'end') void node.close({ drainMs: 0 }).then(() => process.disconnect())
  else if (message === 'role') process.send!({ role: node.status.role, voters: node.status.voters.length })
  else void work(message).then((worked) => process.send!(worked))
})
