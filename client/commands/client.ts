import type { CommandModule } from 'yargs'
import { ConfigError } from '../../src/config.js'
import { parseAddress } from '../../src/network/address.js'
import { latest } from '../../stages/index.js'
import { describeOutcome, exitCode, plainOutcome } from '../answers.js'
import { Client, type Outcome } from '../client.js'
import { Repl } from '../repl.js'
import { parseArguments, usage } from '../words.js'
import { wholeNumber } from './arguments.js'

interface ClientArguments {
  command: string[]
  connect: string
  json: boolean
  deadline: number
}

export const client: CommandModule<object, ClientArguments> = {
  command: 'client [command..]',
  describe: 'ask a running cluster: one command, or the REPL without one',
  builder: (yargs) =>
    yargs
      .positional('command', { type: 'string', array: true, describe: commandList(), default: [] })
      .option('connect', {
        type: 'string',
        default: '127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003,127.0.0.1:7004,127.0.0.1:7005',
        describe: 'where nodes listen for clients: host:port,…',
      })
      .option('json', { type: 'boolean', default: false, describe: 'the answer as the node gave it' })
      .option('deadline', { default: 5_000, describe: 'milliseconds', coerce: wholeNumber('deadline', 1, 3_600_000) })
      .example('$0 client', 'the REPL')
      .example('$0 client get a', 'the value of a; exit code 0 done, 1 refused, 2 usage, 3 unknown')
      .example("echo 'set a 1' | $0 client", 'the REPL as a filter') as never,
  async handler({ command, connect, json, deadline }) {
    const addresses = connect.split(',').map((address) => address.trim())
    const wrong = addresses.find((address) => parseAddress(address) === null)
    if (wrong !== undefined) throw new ConfigError(`--connect: ${JSON.stringify(wrong)} is not host:port`)
    const client = new Client({ addresses, deadlineMs: deadline })
    try {
      process.exitCode =
        command.length > 0 ? await once(client, command.map(String), json) : await repl(client, addresses)
    } finally {
      client.close()
    }
  },
}

function commandList(): string {
  return Object.entries(latest.commands)
    .map(([name, shape]) => usage(name, shape))
    .join(' | ')
}

/** Data on standard output, everything else on standard error; a value is bare in a pipe and quoted for a person. */
async function once(client: Client, words: string[], json: boolean): Promise<number> {
  const command = parseArguments(words, latest.commands)
  const outcome = await client.call(command)
  if (json) console.log(JSON.stringify(toJson(outcome)))
  else if (outcome.outcome !== 'done') console.error(describeOutcome(command, outcome))
  else if (process.stdout.isTTY) console.log(describeOutcome(command, outcome))
  else if (command.command === 'get' && outcome.answer.value === null) console.error('(absent)')
  else console.log(plainOutcome(command, outcome))
  return exitCode(outcome)
}

function toJson(outcome: Outcome): object {
  return outcome.outcome === 'done' ? outcome.answer : { ok: false, error: outcome.error }
}

function repl(client: Client, addresses: string[]): Promise<number> {
  const shapes = latest.commands
  return new Repl({ client, addresses, shapes, prompt: 'raft', input: process.stdin, output: process.stdout }).run()
}
