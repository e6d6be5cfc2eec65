import { fileURLToPath } from 'node:url'
import type { Application } from '../../src/application.js'
import { runSupervised } from '../../src/server/process.js'
import { type Stage, withApplication } from '../../src/stage.js'
import production from '../../stages/10-production/stage.js'
import { schemas } from '../../stages/schemas.js'
import { type Command, runProgram } from '../commands/program.js'
import type { Served } from '../commands/served.js'

/** An application with all that its processes and its command line need. */
export interface Service {
  readonly application: Application
  /** The words that a person types before a command, such as `npx raft-roadmap vectors`. */
  readonly name: string
  /** A sentence about the application, for `--help`. */
  readonly about: string
  /** The script of a node's process: it calls {@link nodeProcess}, and does nothing else. */
  readonly entry: URL
  /** Commands of its own, besides `run`, `node` and `client`. */
  readonly commands?: readonly Command[]
  /** Lines for a person to try at the prompt. */
  readonly tries?: string
}

/** The newest stage of the roadmap with an application in the place of the key-value store. */
export function stageOf(application: Application): Stage {
  return withApplication(production, application)
}

/**
 * Runs a node of an application to its end, as a child process of `run` or of another supervisor: the configuration is
 * JSON in the first argument, events are lines of JSON on standard output.
 */
export async function nodeProcess(application: Application): Promise<void> {
  await runSupervised(stageOf(application), JSON.parse(process.argv[2] ?? '{}'), schemas)
}

/**
 * Runs the command line of an application. It has `run`, a cluster on this machine with the prompt and the fault words;
 * `node`, one node alone; `client`, which asks a cluster; and the application's own commands. A word that is none of
 * them and that a client may ask, such as `list_stores`, is asked.
 *
 * @param typed the words behind {@link Service.name}
 */
export async function commandLine(service: Service, typed: readonly string[]): Promise<void> {
  const { application, name, about, commands = [] } = service
  const stage = stageOf(application)
  const isOwn = commands.some(({ command }) => command.split(' ')[0] === typed[0])
  const isAsked = !isOwn && Object.hasOwn(stage.commands, typed[0] ?? '')
  const program = {
    name,
    about,
    commands: [...standardCommands(service, stage), ...commands],
    examples: [
      ['$0 run --nodes 3', 'three nodes and a prompt'],
      ['$0 client', 'the prompt, from another terminal'],
    ] as const,
  }
  await runProgram(program, isAsked ? ['client', ...typed] : typed)
}

function standardCommands({ application, entry, tries }: Service, stage: Stage): Command[] {
  const served: Served = {
    namesStage: false,
    stage: () => stage,
    entry: fileURLToPath(entry),
    prompt: application.name,
    ...(tries !== undefined && { tries }),
  }
  return [
    {
      command: 'run',
      describe: 'start a cluster on this machine, with the prompt and the fault words',
      load: async () => (await import('../commands/run.js')).runVerb(served),
    },
    {
      command: 'node',
      describe: 'one node alone, for a cluster over several machines',
      load: async () => (await import('../commands/node.js')).nodeVerb(served),
    },
    {
      command: 'client [command..]',
      describe: 'ask a running cluster: one command, or the prompt without one; options before the command',
      load: async () => (await import('../commands/client.js')).clientVerb(stage),
    },
  ]
}
