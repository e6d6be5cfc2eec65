/**
 * `npm run bench:compaction`: what snapshots cost a cluster that has much to keep. Five processes are filled; they take
 * snapshots by themselves; one loses its disk and is sent one; one starts again from its own. It fails if anybody was
 * elected meanwhile.
 */
import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { hideBin } from 'yargs/helpers'
import { ConfigError } from '../../../src/errors.js'
import { exitCodes } from '../../../src/server/exits.js'
import { BenchmarkError, stopAllChildren } from '../children.js'
import { parseCompactionOptions } from './options.js'
import { elections, machine, report } from './report.js'
import { Run } from './run.js'
import { WatchedCluster } from './watched-cluster.js'

let cluster: WatchedCluster | null = null
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true
    const end = () => process.exit(128 + constants.signals[signal])
    Promise.all([stopAllChildren(), cluster?.stop()]).then(end, end)
  })
}

async function main(): Promise<void> {
  const options = await parseCompactionOptions(hideBin(process.argv))
  const { keys, valueBytes, clients } = options
  const before = machine()
  cluster = await WatchedCluster.create(options.limits)
  const run = new Run(cluster, options)
  try {
    await cluster.start()
    await run.perform((line) => console.error(line))
    const leader = await cluster.leader()
    const what = `stage 8, 5 nodes, tcp, ${keys.toLocaleString('en-US')} keys, values of ${valueBytes} B, ${clients} clients beside`
    console.log(`\n${what}\n${before} at first; ${machine()} at last\n\n${report(cluster, run.returns, leader)}`)
    const { phases, taken, events } = cluster
    const seen = phases.map((phase) => ({ ...phase, nodes: Object.fromEntries(phase.nodes) }))
    if (options.json !== undefined)
      writeFileSync(options.json, `${JSON.stringify({ options, phases: seen, taken, events, returns: run.returns })}\n`)
    const { elected, campaigns } = elections(cluster)
    if (elected + campaigns > 0) process.exitCode = exitCodes.refused
  } finally {
    await Promise.all([stopAllChildren(), cluster.stop()])
  }
}

try {
  await main()
} catch (error) {
  // Children end because we end them then: no news, and the handler of the signal ends the process.
  if (interrupted) await new Promise(() => {})
  if (!(error instanceof ConfigError || error instanceof BenchmarkError)) throw error
  console.error(error.message)
  process.exitCode = exitCodes.usage
}
