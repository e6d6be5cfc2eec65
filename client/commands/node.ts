import type { Argv } from 'yargs'
import type { Event } from '../../src/contracts.js'
import { exitCodes } from '../../src/server/exits.js'
import { hearsHangup } from '../../src/server/hangup.js'
import { runNode } from '../../src/server/process.js'
import { hostShape, portShape, priorityShape } from '../../src/server/settings.js'
import { schemas } from '../../stages/schemas.js'
import { eventOutlet } from '../text/outlets.js'
import { certsOption, nodeOptions, precedence, setting } from './arguments.js'
import { type NodeArguments, type NodePlan, planNode } from './node-plan.js'
import { quotaOptions } from './quota-options.js'
import type { Served } from './served.js'
import { settingsFrom } from './settings-from.js'
import type { Verb } from './verb.js'

declare module '../../src/events.js' {
  interface EventDetails {
    founding_unconfirmed: { client: string }
  }
}

const ownOptions = {
  id: { type: 'string', describe: 'which of the peers, or of the nodes of the file, this node is' },
  peers: {
    type: 'string',
    describe:
      'without a file: every node, this one too: id=client-host:port/peer-host:port,… (of a newcomer: itself is enough)',
  },
  cluster: { type: 'string', describe: 'without a file: a name that all its nodes share [raft-roadmap]' },
  bootstrap: {
    type: 'boolean',
    default: false,
    describe:
      'without a file: found the cluster, with all of --peers, when all others say that they know of none; for scripts (by hand: `client found_cluster`, once)',
  },
  'data-dir': { type: 'string', describe: 'where this node keeps what must survive it' },
  trace: { type: 'string', describe: 'a file for every event, as NDJSON' },
  priority: {
    describe: 'from stage 10 on: a leader hands over to a node of a higher priority that keeps up with it [0]',
    coerce: setting('priority', priorityShape),
  },
  'app-port': {
    describe: 'a port for the services of gRPC, over any network between the nodes',
    coerce: setting('app-port', portShape),
  },
  'metrics-port': {
    describe: 'a port for metrics (Prometheus) and health over HTTP: /metrics, /livez, /readyz',
    coerce: setting('metrics-port', portShape),
  },
  listen: {
    describe: 'the host to listen at, if it is another than the one that others are told; 0.0.0.0 is every address',
    coerce: setting('listen', hostShape),
  },
  certs: certsOption,
  'no-client-certificates': {
    type: 'boolean',
    default: false,
    describe: 'with TLS: clients need no certificate of their own; nodes do',
  },
  json: { type: 'boolean', default: false, describe: 'events as NDJSON on standard output' },
  'in-background': { type: 'boolean', default: false, hidden: true },
} as const

/** Makes the command that runs one node alone. */
export function nodeVerb(served: Served): Verb<NodeArguments> {
  return {
    builder: (yargs) =>
      settingsFrom(
        served.namesStage ? stageWord(yargs) : yargs,
        served,
        'a file that describes the cluster: README.md, "A cluster by a file"',
      )
        .options(nodeOptions)
        .options(quotaOptions)
        .options(ownOptions)
        .example('$0 node --config cluster.yaml --id n3', 'a node of a file; `up` starts all of them')
        .epilogue(precedence),
    handler: (args) => runAlone(planNode(served, args), args),
  }
}

function stageWord(yargs: Argv): Argv {
  return yargs
    .positional('stage', { type: 'string', describe: 'its number, its name, or "latest"; not with --config' })
    .example(
      '$0 node 2 --id n1 --peers n1=10.0.0.1:7001/10.0.0.1:7101,n2=10.0.0.2:7001/10.0.0.2:7101',
      'the first of two',
    )
    .example(
      '$0 node 8 --id n6 --peers n6=10.0.0.6:7006/10.0.0.6:7106 --data-dir data/n6',
      'a newcomer, which waits for `raft-roadmap client add_node n6 10.0.0.6:7006 10.0.0.6:7106`',
    )
}

/** Runs a node until a signal tells it to stop. @throws ConfigError that says why it cannot start */
async function runAlone(plan: NodePlan, args: NodeArguments): Promise<void> {
  const { id, client } = plan.self
  // What is said on the way, and by nobody else: the process ends, and its folder is free again.
  const release = (await plan.folder?.claim({ ...plan.note, node: id, pid: process.pid, client })) ?? (async () => {})
  const outlet = outletOf(args, plan)
  const emit = (event: Event) => outlet.report(event)
  try {
    const running = await runNode(plan.stage, plan.config, emit, schemas)
    if (plan.isFoundingUnconfirmed && running.status.origin === undefined)
      emit({ event: 'founding_unconfirmed', node: id, at: Date.now(), client })
    const signal = await stopSignal()
    await running.stop({ isLast: signal === 'SIGUSR2' })
    await outlet.flushed()
  } finally {
    await release()
  }
  process.exit(exitCodes.done)
}

/**
 * Resolves when a signal asks the process to end. SIGUSR2 says that all nodes end, so that nobody takes over; SIGHUP ends
 * a node that has no file to read again.
 */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGUSR2'] as const) process.once(signal, resolve)
    // A node that reads files again at this signal does not end by it.
    process.on('SIGHUP', (signal) => hearsHangup() || resolve(signal))
  })
}

/** Makes the outlet of the node's events: standard output, or a file where the node runs in the background. */
function outletOf({ json, inBackground, logLevel: level }: NodeArguments, { folder, self: { id } }: NodePlan) {
  const stream = inBackground && folder ? { stream: folder.events() } : {}
  return eventOutlet({ isJson: json || inBackground, level, ...stream }, { node: id })
}
