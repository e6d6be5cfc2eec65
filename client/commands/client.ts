import type { Argv } from 'yargs'
import type { Command, ReadPolicy } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { jsonLine } from '../../src/text.js'
import { Client, type Outcome } from '../client.js'
import { type CatchingUp, changeMembers, isChange, oncePerRound } from '../cluster/change-members.js'
import { ownToken } from '../cluster/own-token.js'
import { tlsFrom } from '../cluster/tls-places.js'
import { readsAndWrites } from '../commands-of.js'
import type { ClientSettings } from '../settings.js'
import { describeOutcome, exitCode, plainOutcome } from '../text/answers.js'
import { describeBar, describeEvent } from '../text/events.js'
import { parseArguments, usage } from '../text/words.js'
import {
  addressesIn,
  askOptions,
  certsOption,
  connectOption,
  engineOption,
  tokenFileOption,
  wholeNumber,
} from './arguments.js'
import { checkForOurs, type EtcdArguments, etcdAccess, etcdOptions } from './etcd-options.js'
import type { Verb } from './verb.js'

/** `engine` is left out where there is no choice. */
interface ClientArguments extends EtcdArguments {
  words: readonly string[]
  connect: string
  json: boolean
  deadline: number | undefined
  reads: ReadPolicy
  noSession: boolean
}

/** Makes the command that asks a running cluster. @param stage has the words that can be asked */
export function clientVerb(stage: Stage): Verb<ClientArguments> {
  return {
    builder: (yargs) => clientOptions(isKeyValue(stage) ? withEngines(yargs) : yargs, stage.commands),
    handler: (args) => ask(args, stage),
  }
}

/** Checks whether the nodes are those of the key-value store, whose commands etcd has as well. */
const isKeyValue = ({ application }: Stage) => application.name === 'key-value'

const withEngines = (yargs: Argv) =>
  yargs
    .option('engine', engineOption)
    .options(etcdOptions)
    .example('$0 client --engine etcd --connect 10.0.0.1:2379 get a', 'asks a cluster of etcd')

function clientOptions(yargs: Argv, commands: Stage['commands']) {
  return yargs
    .positional('command', { type: 'string', array: true, describe: commandList(commands), default: [] })
    .option('connect', connectOption)
    .option('certs', certsOption)
    .option('json', { type: 'boolean', default: false, describe: 'the answer as the node gave it' })
    .option('deadline', {
      describe: 'milliseconds [5000; 600000 for a change of members]',
      coerce: wholeNumber('deadline', 1, 3_600_000),
    })
    .options(askOptions)
    .option('token-file', tokenFileOption)
    .example('$0 client', 'the REPL')
    .example('$0 client --json get --json', 'options end at the first word: this key is called --json')
    .example('$0 client get a', 'the value of a; exit code 0 done, 1 refused, 2 usage, 3 unknown')
    .example("echo 'set a 1' | $0 client", 'the REPL as a filter')
}

async function ask(args: ClientArguments, stage: Stage): Promise<void> {
  const { connect, json, deadline, words, reads, noSession } = args
  const addresses = addressesIn(connect)
  checkForOurs(args)
  const patience = deadline === undefined ? {} : { deadlineMs: deadline }
  const settings = { addresses, reads, session: !noSession, ...patience }
  const { client, commands } = await clientOf(args, stage, settings)
  try {
    process.exitCode =
      words.length > 0
        ? await once(client, parseArguments(words, commands), { json, deadlineMs: deadline })
        : await repl(client, addresses, commands)
  } finally {
    client.close()
  }
  // A look-up that hangs cannot be cancelled, and the process should not wait for it after the answer.
  process.stdout.write('', () => process.exit())
}

/** Makes a client of nodes of this stage, or of etcd, with the shapes of what can be asked. */
async function clientOf(args: ClientArguments, { application, commands }: Stage, settings: ClientSettings) {
  if (args.engine !== 'etcd') {
    const access = { token: ownToken(args.tokenFile), ...tlsFrom(args.certs) }
    return {
      client: new Client({ ...settings, ...access, application: readsAndWrites(application.commands) }),
      commands,
    }
  }
  const [{ etcdClient }, { etcdCommands }] = await Promise.all([
    import('../engine/etcd/client.js'),
    import('../engine/etcd/commands.js'),
  ])
  return { client: etcdClient({ ...settings, ...etcdAccess(args) }), commands: etcdCommands }
}

function commandList(commands: Stage['commands']): string {
  return Object.entries(commands)
    .map(([name, shape]) => usage(name, shape))
    .join(' | ')
}

/**
 * Asks one command. Data goes to standard output, all else to standard error; a value is bare in a pipe and quoted for
 * a person.
 */
async function once(
  client: Client,
  command: Command,
  { json, deadlineMs }: { json: boolean; deadlineMs: number | undefined },
): Promise<number> {
  const outcome = isChange(command) ? await change(client, command, deadlineMs) : await client.call(command)
  if (json) console.log(jsonLine(toJson(outcome)))
  else if (outcome.outcome !== 'done') console.error(describeOutcome(command, outcome))
  else if (process.stdout.isTTY) console.log(describeOutcome(command, outcome))
  else if (command.command === 'get' && outcome.answer.value === null) console.error('(absent)')
  else console.log(plainOutcome(command, outcome))
  return exitCode(outcome)
}

/**
 * Asks for a change of members, and shows its progress on standard error: a bar for a person, or a line for each round.
 */
async function change(client: Client, command: Command, deadlineMs: number | undefined): Promise<Outcome> {
  const { stderr } = process
  const draw = (events: readonly CatchingUp[]) => void stderr.write(`\r\x1b[K${events.map(describeBar).join('  ')}`)
  const onProgress = stderr.isTTY ? draw : oncePerRound((event) => console.error(describeEvent(event)))
  const outcome = await changeMembers(client, command, { deadlineMs, onProgress })
  if (stderr.isTTY) stderr.write('\r\x1b[K')
  return outcome
}

function toJson(outcome: Outcome): object {
  return outcome.outcome === 'done' ? outcome.answer : { ok: false, error: outcome.error }
}

async function repl(client: Client, addresses: string[], shapes: Stage['commands']): Promise<number> {
  const { Repl } = await import('../repl/repl.js')
  const withoutLogs = 'they are in the files of the `run` or `node` that has them'
  const { stdin: input, stdout: output } = process
  return new Repl({ client, addresses, shapes, withoutLogs, prompt: 'raft', input, output }).run()
}
