import { readFileSync } from 'node:fs'
import { ConfigError } from '../../src/errors.js'
import { localMembers } from '../../src/network/local-members.js'
import { guarantees } from '../../src/proof/guarantees.js'
import { catalogue } from '../../src/proof/scenario/catalogue.js'
import { namesSpares } from '../../src/proof/scenario/members.js'
import { NotationError, parseScenario } from '../../src/proof/scenario/notation.js'
import { play } from '../../src/proof/scenario/play.js'
import type { Played, Scenario } from '../../src/proof/scenario/scenario.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import { exitCodes } from '../../src/server/exits.js'
import type { Hosts } from '../../src/server/hosts/hosts.js'
import type { Stage } from '../../src/stage.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { Hands } from '../proof/scenario/hands.js'
import { playOnProcesses } from '../proof/scenario/real.js'
import { colour } from '../text/colour.js'
import { Lanes } from '../text/lanes.js'
import { table } from '../text/table.js'
import { engineOption, messagesOption, stageArgument, uiOption, uiPortOption, wholeNumber } from './arguments.js'
import { asking } from './asking.js'
import { checkMore, type MoreOptions, moreOption } from './etcd-options.js'
import { type HostKind, hostsOption, onHosts } from './inside-hosts.js'
import { askPredictions, besideOutcome } from './predict.js'
import { serveUntilStopped } from './serve.js'
import type { Verb } from './verb.js'

interface ScenarioArguments {
  id: string | undefined
  stage: string
  real: boolean
  hosts: HostKind
  hands: boolean
  messages: boolean
  ui: boolean
  uiPort: number
  predict: boolean
  beside: string | undefined
  seed: number
  basePort: number
  engine: 'ours' | 'etcd'
  etcdOption: MoreOptions
}

type HowPlayed = Omit<ScenarioArguments, 'hosts'> & { readonly hosts: Hosts | null }

export const scenario: Verb<ScenarioArguments> = {
  builder: (yargs) =>
    yargs
      .positional('id', { type: 'string', describe: 'N3, for one; or a file of your own, such as x1.txt' })
      .option('stage', { type: 'string', default: 'latest', describe: 'its number, its name, or "latest"' })
      .option('real', { type: 'boolean', default: false, describe: 'on processes, not in virtual time' })
      .option('hosts', hostsOption)
      .option('engine', { ...engineOption, describe: 'with --real: whose nodes it is played on' })
      .option('etcd-option', moreOption)
      .option('hands', { type: 'boolean', default: false, describe: 'with your own hands: say what to do, and judge' })
      .option('messages', messagesOption)
      .option('ui', uiOption)
      .option('ui-port', uiPortOption)
      .option('beside', { type: 'string', describe: 'with --ui: another stage, to see where the two part' })
      .option('predict', {
        type: 'boolean',
        default: false,
        describe: 'ask first what will happen, here or on the page, and put it beside what came',
      })
      .option('seed', {
        default: 1,
        describe: 'in virtual time',
        coerce: wholeNumber('seed', 0, Number.MAX_SAFE_INTEGER),
      })
      .option('base-port', {
        default: 7000,
        describe: 'with --hands: that of the cluster',
        coerce: wholeNumber('base-port', 0, 65_000),
      })
      .example('$0 scenario N3 --engine etcd --real', 'the same of five processes of etcd')
      .example('$0 scenario N3 --stage 2', 'what a write without a majority leaves behind')
      .example('$0 scenario N3 --stage 2 --hands', 'the same by hand, with `run 2` in another terminal')
      .example('$0 scenario N3 --stage 2 --predict', 'first guess, then look')
      .example('$0 scenario N3 --real --hosts netns', 'on five hosts, whose packets are really lost')
      .example('$0 scenario E13 --stage 6 --messages', 'every message of it, a column for each node')
      .check(
        ({ real, hosts }) => real || hosts === 'local' || 'with --hosts netns goes --real: virtual time has no hosts',
      )
      .check(
        ({ engine, real }) => engine === 'ours' || real || 'with --engine etcd goes --real: etcd knows no virtual time',
      )
      .check(({ real, hands }) => !(real && hands) || 'either --real or --hands')
      .check(
        ({ ui, beside }) => ui || beside === undefined || 'with --beside goes --ui: two stages are seen side by side',
      )
      .check(
        ({ predict, messages, hands }) => !(predict && (messages || hands)) || 'with --predict nothing is shown first',
      )
      .check(({ real, hands, messages }) => !(messages && (real || hands)) || '--messages shows virtual time alone'),
  async handler(args) {
    checkMore(args.etcdOption, args.engine === 'etcd')
    if (args.id === undefined) return console.log(list(catalogue()))
    const scenario = scenarioArgument(args.id)
    const stage = stageArgument(args.stage)
    if (args.ui) return showScenario(args, scenario, stage)
    process.exitCode = await onHosts(args, ({ hosts }) => tellPlayed({ ...args, hosts }, scenario, stage))
  },
}

/** Plays a scenario and prints what came. @returns the exit code */
async function tellPlayed(args: HowPlayed, scenario: Scenario, stage: Stage): Promise<number> {
  const ahead = args.predict ? await asking((ask) => askPredictions(scenario, stage, ask)) : null
  const played = await playAs(args, scenario, stage)
  console.log(paint(played).join('\n'))
  if (ahead) console.log(`\n${besideOutcome(ahead, played)}`)
  return played.verdict === 'holds' ? exitCodes.done : exitCodes.refused
}

async function showScenario(
  { seed, uiPort, predict, beside }: ScenarioArguments,
  scenario: Scenario,
  stage: Stage,
): Promise<void> {
  checkVirtual(scenario, stage)
  const { besideShown, scenarioShown } = await import('../ui/recorded.js')
  const shown = await scenarioShown(scenario, stage, seed, predict)
  if (beside === undefined) return serveUntilStopped(shown, uiPort)
  const other = stageArgument(beside)
  checkVirtual(scenario, other)
  await serveUntilStopped(besideShown(shown, await scenarioShown(scenario, other, seed, false)), uiPort)
}

function list(scenarios: readonly Scenario[]): string {
  const rows = scenarios.map(({ id, title, guarantee, drivers, fromStage }) => [
    colour.bold(id),
    title,
    guarantee,
    guarantees[guarantee],
    [fromStage > 0 && `from stage ${fromStage}`, drivers.includes('virtual') || '--real only']
      .filter(isText)
      .join(', '),
  ])
  return table([['id', 'scenario', 'tests', '', ''].map((head) => colour.dim(head)), ...rows])
}

const isText = (text: unknown) => typeof text === 'string'

/**
 * Finds the scenario that a person named, by its id or as a file of one's own. @throws ConfigError that lists the
 * scenarios
 */
function scenarioArgument(name: string): Scenario {
  if (name.endsWith('.txt')) return scenarioIn(name)
  const scenarios = catalogue()
  const found = scenarios.find(({ id }) => id === name.toUpperCase())
  if (found) return found
  throw new ConfigError(
    `there is no scenario ${JSON.stringify(name)}; there are ${scenarios.map(({ id }) => id).join(' ')}`,
  )
}

/** Reads a scenario of one's own. @throws ConfigError if it cannot be read, NotationError if it is none */
function scenarioIn(path: string): Scenario {
  try {
    return parseScenario(readFileSync(path, 'utf8'), path)
  } catch (error) {
    if (error instanceof NotationError) throw new ConfigError(error.message)
    throw new ConfigError(`cannot read the scenario: ${(error as Error).message}`)
  }
}

/** Plays a scenario as the options ask. @throws ConfigError if it cannot be played in this way */
async function playAs(args: HowPlayed, scenario: Scenario, stage: Stage): Promise<Played> {
  if (args.engine === 'etcd') return (await import('../proof/scenario/etcd.js')).playOnEtcd(scenario, args)
  checkStage(scenario, stage)
  if (args.hands) return playByHand(scenario, stage, args.basePort)
  if (args.real) return playOnProcesses(scenario, stage, args.seed, args.hosts)
  checkVirtual(scenario, stage)
  if (!args.messages) return playVirtually(scenario, stage, args.seed)
  const lanes = new Lanes(console.log)
  const played = await playVirtually(scenario, stage, args.seed, (event) => lanes.take(event as TraceLine))
  lanes.end()
  console.log('')
  return played
}

function checkStage({ id, fromStage }: Scenario, stage: Stage): void {
  if (stage.number < fromStage)
    throw new ConfigError(`${id} says nothing of stage ${stage.number}; it begins with ${fromStage}`)
}

function checkVirtual(scenario: Scenario, stage: Stage): void {
  checkStage(scenario, stage)
  if (!scenario.drivers.includes('virtual'))
    throw new ConfigError(`${scenario.id} needs real sockets: add --real, or --hands`)
}

async function playByHand(scenario: Scenario, stage: Stage, basePort: number): Promise<Played> {
  if (scenario.statements.some(({ kind }) => kind === 'load')) {
    throw new ConfigError(`${scenario.id} puts a load on the cluster, which no hand can do; leave --hands away`)
  }
  if (Object.keys(scenario.believes).length > 0) {
    throw new ConfigError(`${scenario.id} needs nodes that were told wrong things; leave --hands away`)
  }
  if (namesSpares(scenario)) {
    throw new ConfigError(
      `${scenario.id} takes in nodes beside the five, which \`run\` does not start; leave --hands away`,
    )
  }
  console.log(colour.bold(`${scenario.id} ${scenario.title}`))
  console.log(`${scenario.about}\n`)
  const limits = scenario.snapshotEntries === null ? '' : ` --snapshot-entries ${scenario.snapshotEntries}`
  console.log(
    colour.dim(`in another terminal: npx raft-roadmap run ${stage.number} --base-port ${basePort}${limits}\n`),
  )
  return asking(async (ask) => {
    const members = localMembers(5, '127.0.0.1', basePort)
    const hands = new Hands(stage, members, (what) => console.log(`${colour.cyan('▶')} ${what}`), ask)
    const played = await play(scenario, stage, hands)
    console.log('')
    return played
  })
}

/** Colours a transcript: failures stand out, remarks are dim. */
function paint({ transcript, scenario }: Played): string[] {
  const [headline, ...rest] = transcript
  return [colour.bold(headline), colour.dim(scenario.about), ...rest.map(paintLine)]
}

function paintLine(line: string): string {
  if (line.trimStart().startsWith('#')) return colour.dim(line)
  if (line.includes('✘')) return colour.red(line)
  if (line.includes('◌')) return colour.yellow(line)
  return line.startsWith('✔') ? colour.green(line) : line
}
