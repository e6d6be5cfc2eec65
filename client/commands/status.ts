import { exitCodes } from '../../src/server/exits.js'
import { mostKnowing } from '../../src/server/readiness.js'
import { jsonLine } from '../../src/text.js'
import { statusTable } from '../text/status.js'
import { columnsOf } from '../text/wrapped.js'
import { fileOptions, type OfFile, withBackground } from './of-file.js'
import type { Verb } from './verb.js'

export const status: Verb<OfFile> = {
  builder: (yargs) =>
    yargs
      .options({
        ...fileOptions,
        json: { ...fileOptions.json, describe: 'the status of each node, a line of JSON each' },
      })
      .example('$0 status', 'the nodes of cluster.yaml, wherever they run')
      .epilogue('Exit code 0: all nodes answer, and know a leader; 1: not all.'),
  async handler(args) {
    process.exitCode = await withBackground(args, async (cluster) => {
      const seen = await cluster.look()
      const statuses = await cluster.statuses()
      if (args.json) {
        for (const { node, process, status } of seen)
          console.log(jsonLine({ node: node.id, pid: process?.pid ?? status?.pid ?? null, status }))
      } else {
        const addresses = seen.map(({ node }) => node.client)
        const nodes = () => cluster.nodes().map((node, at) => ({ ...node, condition: conditionOf(seen[at]!) }))
        console.log(
          await statusTable({ client: cluster.client, addresses, cluster: { nodes } }, columnsOf(process.stdout)),
        )
      }
      const isLed = mostKnowing(statuses)?.role !== 'follower' && statuses.length > 0
      return isLed && seen.every(({ status }) => status !== null) ? exitCodes.done : exitCodes.refused
    })
  },
}

/** The condition of a node: a node on another machine has no process here, and may answer. */
function conditionOf({ process, status }: { readonly process: unknown; readonly status: unknown }): 'up' | 'dead' {
  return process || status ? 'up' : 'dead'
}
