import type { z } from 'zod'
import { addressProblem, readPolicies } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { defaultSettings, settingShapes } from '../../src/server/settings.js'
import { logKinds, networkNames, type Stage } from '../../src/stage.js'
import { findStage, latest, stages } from '../../stages/index.js'

/** Finds the stage that a person named. @throws ConfigError that lists the stages */
export function stageArgument(name: string): Stage {
  const stage = findStage(name)
  if (stage) return stage
  const all = stages.map(({ name }) => name).join(', ')
  throw new ConfigError(
    `there is no stage ${JSON.stringify(name)}; there are 0 to ${latest.number} (${all}) and "latest"`,
  )
}

/** Options of the commands that start nodes: the network between nodes, and the log under each. */
export const nodeOptions = {
  network: { choices: networkNames, describe: "between the nodes; the stage's own unless you choose" },
  log: {
    choices: logKinds,
    default: defaultSettings.log,
    describe: 'what a log is kept in; memory forgets, and is for measuring',
  },
  heartbeat: {
    default: defaultSettings.heartbeat,
    describe: 'how often an idle leader speaks, in milliseconds',
    coerce: setting('heartbeat', settingShapes.heartbeat),
  },
  election: {
    default: defaultSettings.election,
    describe: 'how much silence a node bears before it stands for election: so many milliseconds to twice as many',
    coerce: setting('election', settingShapes.election),
  },
  'snapshot-entries': {
    default: defaultSettings.snapshotEntries,
    describe: 'a snapshot is due after so many entries',
    coerce: setting('snapshot-entries', settingShapes.snapshotEntries),
  },
  'snapshot-bytes': {
    default: defaultSettings.snapshotBytes,
    describe: 'or after so many bytes of them',
    coerce: setting('snapshot-bytes', settingShapes.snapshotBytes),
  },
  'lease-reads': {
    type: 'boolean',
    default: defaultSettings.leaseReads,
    describe:
      'from stage 10 on: a leader answers reads for most of an election time-out without asking its followers, which trusts that no clock of theirs runs a quarter faster than its own; give it to all nodes or to none',
  },
  tokens: {
    type: 'string',
    describe: 'a file of tokens, which `tokens add` makes: whoever asks must show one. SIGHUP has a node read it again',
  },
  'metrics-open': {
    type: 'boolean',
    default: defaultSettings.metricsOpen,
    describe: 'with --tokens: metrics and readiness are told without a token',
  },
} as const

/** The option of the commands that ask a cluster which may demand a token. */
export const tokenFileOption = {
  type: 'string',
  describe: 'a file of its own with the token to show, if the nodes demand one; or RAFT_ROADMAP_TOKEN has it',
} as const

/** The option that names the nodes to ask. */
export const connectOption = {
  type: 'string',
  // Given more than once, the option names more addresses.
  coerce: (given: string | string[]) => [given].flat().join(','),
  default: '127.0.0.1:7001,127.0.0.1:7002,127.0.0.1:7003,127.0.0.1:7004,127.0.0.1:7005',
  describe: 'where nodes listen for clients: host:port,…',
} as const

/** The option that names a folder with certificates, as `certs dev` makes one. */
export const certsOption = {
  type: 'string',
  default: process.env.RAFT_ROADMAP_CERTS,
  describe:
    'speak TLS, with the certificates in this folder: ca.crt, and NAME.crt and NAME.key of each node, or of client',
} as const

/** The option that says what kind of nodes is meant. */
export const engineOption = {
  choices: ['ours', 'etcd'] as const,
  default: 'ours',
  describe: 'whose nodes they are',
} as const

/** Splits the addresses of `--connect`. @throws ConfigError that names the first one that is none */
export function addressesIn(connect: string): string[] {
  const addresses = connect.split(',').map((address) => address.trim())
  const wrong = addresses.find((address) => addressProblem(address) !== null)
  if (wrong === undefined) return addresses
  throw new ConfigError(`--connect: ${JSON.stringify(wrong)} must be ${addressProblem(wrong)}`)
}

/** Options of the commands that ask a cluster. */
export const askOptions = {
  reads: {
    choices: readPolicies,
    default: readPolicies[0],
    describe:
      'from stage 9 on: who is asked for reads, the leader, any member in turn (learners that stay, too), or the nearest',
  },
  'no-session': {
    type: 'boolean',
    default: false,
    describe:
      'ask each write once, and say "unknown" where its outcome is; without it, from stage 9 on, it is repeated',
  },
} as const

/** Options of the commands that can show a run as a page. */
export const uiOption = {
  type: 'boolean',
  default: false,
  describe: 'show it as a page in the browser, for this machine alone; the address is printed',
} as const
export const uiPortOption = {
  default: 0,
  describe: 'with --ui: the port of the page; 0 finds a free one',
  coerce: wholeNumber('ui-port', 0, 65_535),
} as const

/** The option that shows messages as text. */
export const messagesOption = {
  type: 'boolean',
  default: false,
  describe: 'show what was sent, and what became of it: an event a line, a column for each node',
} as const

/** Turns an option's text into a number in range; digits only, so that nothing is guessed. @throws ConfigError */
export function wholeNumber(name: string, from: number, to: number): (value: unknown) => number {
  return (value) => {
    const number = /^\d+$/.test(String(value)) ? Number(value) : Number.NaN
    if (number >= from && number <= to) return number
    throw new ConfigError(`--${name} must be a whole number from ${from} to ${to}`)
  }
}

/** Turns the text of an option into a value of the setting's shape; a number has digits only. @throws ConfigError */
export function setting<Value>(name: string, shape: z.ZodType<Value>): (value: unknown) => Value {
  return (value) => {
    const read = shape.safeParse(/^\d+$/.test(String(value)) ? Number(value) : value)
    if (read.success) return read.data
    throw new ConfigError(`--${name} ${read.error.issues[0]!.message}`)
  }
}

/** Describes, for `--help`, which of several places counts that give a setting. */
export const precedence =
  'A flag counts for more than a variable of the environment (RAFT_ROADMAP_ELECTION=2000), which counts for more than the file.'
