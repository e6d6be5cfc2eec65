import { parseArgs } from 'node:util'
import type { Event } from '../../src/contracts.js'
import { exitCodes } from '../../src/server/exits.js'
import type { Stage } from '../../src/stage.js'
import { startLocalCluster } from '../cluster/local-cluster.js'
import { Guide } from '../learn/guide.js'
import { experimentsOf } from '../learn/lesson.js'
import { answering } from '../repl/answering.js'
import { Repl } from '../repl/repl.js'
import { colour } from '../text/colour.js'
import { nodeOptions, stageArgument, wholeNumber } from './arguments.js'
import { roadmap } from './served.js'
import type { Verb } from './verb.js'

interface LearnArguments {
  stage: string
  basePort: number
}

/** The base port that the lessons' lines for a second terminal have. */
const lessonPort = 7000

export const learn: Verb<LearnArguments> = {
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
      .option('base-port', {
        default: lessonPort,
        describe: 'that of the cluster; the lesson says 7000; 0 finds free ones',
        coerce: wholeNumber('base-port', 0, 65_000),
      })
      .example('$0 learn 2', 'the experiments of stage 2: guess, do, compare'),
  async handler({ stage, basePort }) {
    const guide = new Guide(experimentsOf(stageArgument(stage)))
    process.exitCode = exitCodes.done
    for (let line = guide.start; line !== null; line = guide.start) {
      const isOver = await runOne(line, basePort, guide)
      if (!isOver) return
    }
  },
}

/** Runs one cluster of the lesson, with its prompt. @returns false if the person left in the middle */
async function runOne(line: string, basePort: number, guide: Guide): Promise<boolean> {
  const { stage, options } = parseStart(line)
  console.log(colour.dim(`starts: ${line}`))
  let repl: Repl | undefined
  const local = await startLocalCluster({
    ...options,
    stage,
    basePort,
    hosts: null,
    entry: roadmap.entry,
    onEvent: (event: Event) => repl?.show(event),
    onStderr: (text) => (repl ? repl.note(text) : console.error(text)),
  })
  const answers = answering(local, stage, options.log)
  repl = new Repl({ ...answers, prompt: stage.name, guide, input: process.stdin, output: process.stdout })
  if (basePort !== lessonPort) console.log(colour.dim(describePorts(answers.addresses)))
  console.log(guide.started())
  if (!guide.leaves) await repl.run()
  await local.stop()
  return guide.leaves
}

/** Describes which ports a person types in place of those that a lesson has. */
function describePorts(addresses: readonly string[]): string {
  return `in a second terminal, where the lesson says ${lessonPort + 1}, … type a port of: ${addresses.join('  ')}`
}

/** Reads a lesson's line that starts a cluster, such as `npm run stage 5 -- --election 9000`. */
export function parseStart(line: string) {
  const [, name, given = ''] = /^npm (?:run stage (\S+)|start)(?: -- (.*))?$/.exec(line)!
  const names = ['data-dir', 'heartbeat', 'election', 'snapshot-entries'] as const
  const { values } = parseArgs({
    args: given.split(' ').filter(Boolean),
    options: Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
  })
  const number = (name: Exclude<(typeof names)[number], 'data-dir'>) => {
    const { coerce, default: usual } = nodeOptions[name]
    return values[name] === undefined ? usual : coerce(values[name])
  }
  const dataDir = values['data-dir'] as string | undefined
  const stage: Stage = stageArgument(name ?? 'latest')
  const pace = { heartbeat: number('heartbeat'), election: number('election') }
  const snapshots = {
    snapshotEntries: number('snapshot-entries'),
    snapshotBytes: nodeOptions['snapshot-bytes'].default,
  }
  const rest = {
    nodes: 5,
    host: '127.0.0.1',
    network: undefined,
    log: 'file',
    leaseReads: false,
    tokens: undefined,
    metricsOpen: false,
    appPorts: false,
    metrics: false,
    metricsPort: undefined,
    tls: false,
  } as const
  return {
    stage,
    options: { ...rest, ...pace, ...snapshots, dataDir, trace: undefined, reads: 'leader', noSession: false } as const,
  }
}
