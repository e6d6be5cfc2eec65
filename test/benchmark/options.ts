import yargs from 'yargs'
import { stageArgument, wholeNumber } from '../../client/commands/arguments.js'
import { UsageError } from '../../client/text/words.js'
import { limits } from '../../src/contracts.js'
import { writableFolder } from '../../src/server/config.js'
import { logKinds, networkNames } from '../../src/stage.js'
import { stages } from '../../stages/index.js'
import { maxValueBytes } from './etcd/requests.js'
import {
  type ContenderName,
  contenderNames,
  defaultLoad,
  defaultMaxConnections,
  type Profile,
  profile,
  standardProfiles,
  warmUpSeconds,
} from './profiles.js'
import { maxKeys, readPolicies } from './requests.js'

/** What a person asked for. */
export interface Options {
  readonly profiles: readonly Profile[]
  /** A file for the results, if one was named. */
  readonly json: string | undefined
  /** A folder for CPU profiles, if one was named. */
  readonly cpuProfiles: string | null
}

const secondsEach = { alone: 5, inAList: 2 }
const roundsAlone = 3
const maxRequestsInFlight = 100_000

/** @returns what to measure, or null if only help was wanted. @throws UsageError, ConfigError that say what to change */
export async function parseOptions(args: readonly string[]): Promise<Options | null> {
  const given = await parse(args)
  if (given.help) return null
  const { stage, nodes, network, log, against, json, echo, rounds, seconds, clients, ...shape } = given
  const cpuProfiles = given.profile === undefined ? null : writableFolder(given.profile)
  const { connections, pipeline, valueBytes, reads, keys, readPolicy } = shape
  const load = defined({ connections, pipeline, valueBytes, reads, keys, readPolicy })
  if (
    [stage, nodes, network, log, against, clients].every((each) => each === undefined) &&
    Object.keys(load).length === 0
  ) {
    return { profiles: standardProfiles(seconds ?? secondsEach.inAList, rounds, echo), json, cpuProfiles }
  }
  const measured = stageArgument(stage ?? 'latest')
  const networks = network === 'all' ? networkNames : [network ?? measured.network]
  const loads = (clients ?? [defaultLoad.clients]).map((each) => ({ ...load, clients: each }))
  const rest = {
    seconds: seconds ?? (loads.length > 1 ? secondsEach.inAList : secondsEach.alone),
    rounds: rounds ?? roundsAlone,
    against: against ?? (['echo'] as const),
    echo,
    log: log ?? ('file' as const),
  }
  const profiles = networks.flatMap((each) => loads.map((one) => profile(measured.number, nodes ?? 5, each, one, rest)))
  for (const one of profiles) checkLoad(one)
  return { profiles, json, cpuProfiles }
}

/** @throws UsageError about what each option alone cannot tell */
function checkLoad({ stage, load, against }: Profile): void {
  const { clients, connections, pipeline, valueBytes, reads, readPolicy } = load
  if (connections > clients) throw new UsageError(`--connections must be at most the number of clients, ${clients}`)
  if (clients * pipeline > maxRequestsInFlight) {
    throw new UsageError(`--clients times --pipeline must be at most ${maxRequestsInFlight}`)
  }
  if (readPolicy !== 'leader' && reads < 1) throw new UsageError(`--read-policy ${readPolicy} goes with --reads 1`)
  if (readPolicy !== 'leader' && !stages[stage]!.envelopes.read) {
    throw new UsageError(`--read-policy ${readPolicy}: at stage ${stage} none but the leader answers gets`)
  }
  if (against.includes('etcd') && valueBytes > maxValueBytes) {
    throw new UsageError(`with --against etcd, --value-bytes must be at most ${maxValueBytes}`)
  }
}

/** Whatever yargs throws, at once or later, is about what was typed. */
async function parse(args: readonly string[]) {
  try {
    return await commandLine(args).parseAsync()
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

/** Without the fields that are undefined, so that what was not said does not hide a default. */
function defined<Fields extends object>(fields: Fields): { [Name in keyof Fields]?: NonNullable<Fields[Name]> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}

function commandLine(args: readonly string[]) {
  const whole = (name: string, from: number, to: number) => optional(wholeNumber(name, from, to))
  const option = (describe: string, coerce: (value: unknown) => number | undefined) =>
    ({ type: 'number', describe, coerce, requiresArg: true }) as const
  return yargs([...args])
    .scriptName('npm run bench --')
    .usage(
      '$0 [options]\n\nMeasures a cluster of a stage against a bare echo server, an ideal replicated log or etcd, in turns. Without options that say what to measure, a standard list is measured.',
    )
    .option('stage', { type: 'string', requiresArg: true, describe: 'its number, its name, or "latest" [latest]' })
    .option('nodes', option('how many nodes [5]', whole('nodes', 1, 99)))
    .option('network', {
      choices: [...networkNames, 'all'] as const,
      describe: "what the nodes speak over, or all of them one after another [the stage's own]",
    })
    .option('log', {
      choices: logKinds,
      describe: "the store of each node's log; memory leaves the disk out [file]",
    })
    .option('against', {
      type: 'string',
      requiresArg: true,
      coerce: optional(list(contenderName)),
      describe: `what the cluster is measured against: ${contenderNames.join(', ')}, or several with commas [echo]`,
    })
    .option('clients', {
      type: 'string',
      requiresArg: true,
      coerce: optional(list(wholeNumber('clients', 1, 10_000))),
      describe: `how many, each waiting for its answers; a line each for several with commas [${defaultLoad.clients}]`,
    })
    .option(
      'connections',
      option(`shared by the clients [one each, at most ${defaultMaxConnections}]`, whole('connections', 1, 10_000)),
    )
    .option('pipeline', option(`requests in flight per client [${defaultLoad.pipeline}]`, whole('pipeline', 1, 10_000)))
    .option(
      'value-bytes',
      option(`length of a value [${defaultLoad.valueBytes}]`, whole('value-bytes', 0, limits.valueBytes)),
    )
    .option(
      'reads',
      option(`the part of gets, 0 to 1; the rest are sets [${defaultLoad.reads}]`, optional(fraction('reads'))),
    )
    .option('read-policy', {
      choices: readPolicies,
      describe: 'whom gets ask: the leader, every node, or every node for an answer that may be old [leader]',
    })
    .option('keys', option(`how many there are [${defaultLoad.keys}]`, whole('keys', 1, maxKeys)))
    .option(
      'seconds',
      option(
        `how long each measurement lasts, after ${warmUpSeconds} s of warm-up [${secondsEach.alone}; ${secondsEach.inAList} in a list]`,
        whole('seconds', 1, 3_600),
      ),
    )
    .option(
      'rounds',
      option(`measurements of each server [${roundsAlone}; 3 and 1 in the standard list]`, whole('rounds', 1, 1_000)),
    )
    .option('echo', {
      choices: ['request', 'short'] as const,
      default: 'request' as const,
      describe: 'what the echo server sends back: the whole request, or {"id":…,"ok":true}',
    })
    .option('json', { type: 'string', requiresArg: true, describe: 'a file to write the results to' })
    .option('profile', {
      type: 'string',
      requiresArg: true,
      describe: 'a folder for CPU profiles of the leader, taken in one more measurement that does not count',
    })
    .example('$0 --stage 0 --nodes 1 --clients 64', 'that and nothing else')
    .example('$0 --against ideal,etcd --clients 1,64,256', 'the newest stage, its limit and etcd')
    .strict()
    .help()
    .version(false)
    .wrap(Math.min(120, process.stdout.columns ?? 100))
    .exitProcess(false)
    .fail(false)
}

/** An option that was not given stays undefined. */
function optional<Value>(coerce: (value: unknown) => Value): (value: unknown) => Value | undefined {
  return (value) => (value === undefined ? undefined : coerce(value))
}

/** Several of one kind with commas between them, each once. */
function list<Item>(item: (text: string) => Item): (value: unknown) => readonly Item[] {
  return (value) => [...new Set(String(value).split(',').map(item))]
}

function contenderName(text: string): ContenderName {
  const name = contenderNames.find((each) => each === text)
  if (name) return name
  throw new UsageError(`--against takes ${contenderNames.join(', ')}, or several of them with commas`)
}

function fraction(name: string): (value: unknown) => number {
  return (value) => {
    const number = Number(value)
    if (value !== '' && number >= 0 && number <= 1) return number
    throw new UsageError(`--${name} must be a number from 0 to 1`)
  }
}
