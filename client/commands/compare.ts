import { accessSync, constants, existsSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { ConfigError } from '../../src/errors.js'
import { computeMatrix, type Matrix, withColumn } from '../../src/proof/matrix.js'
import type { Scenario } from '../../src/proof/scenario/scenario.js'
import type { Stage } from '../../src/stage.js'
import { stages } from '../../stages/index.js'
import { type LessonLink, matrixAsPage } from '../proof/compare-page.js'
import { differenceAsJson, differenceAsText, playTwice, type Twice, tellingScenario } from '../proof/compare-stages.js'
import { cellAt, groundsOf, matrixAsMarkdown, matrixAsText, problemsOf } from '../proof/compare-text.js'
import { players, recordedOnHosts, scenarios } from '../proof/players.js'
import { sweep } from '../proof/sim-pool.js'
import { progress } from '../text/progress.js'
import { lessonOf } from '../text/stage-files.js'
import { columnsOf } from '../text/wrapped.js'
import { stageArgument, wholeNumber } from './arguments.js'
import { checkMore, type MoreOptions, moreOption } from './etcd-options.js'
import type { Verb } from './verb.js'

interface CompareArguments {
  earlier: string | undefined
  later: string | undefined
  stages: string | undefined
  scenarios: string | undefined
  scenario: string | undefined
  seeds: number | undefined
  json: boolean
  html: string | undefined
  markdown: boolean
  etcd: boolean
  etcdOption: MoreOptions
}

const defaultSeeds = 100
/** Columns of a transcript where the output's width is not known. */
const plainColumns = 200

export const compare: Verb<CompareArguments> = {
  builder: (yargs) =>
    yargs
      .positional('earlier', { type: 'string', describe: 'a stage, to be put beside a later one' })
      .positional('later', { type: 'string', describe: 'the later one' })
      .option('stages', { type: 'string', describe: 'only these: 0,2' })
      .option('scenarios', { type: 'string', describe: 'only these: N3,N4' })
      .option('seeds', {
        describe: `seeds of the simulator in each climate (${defaultSeeds})`,
        coerce: wholeNumber('seeds', 0, 1e6),
      })
      .option('scenario', { type: 'string', describe: 'with two stages: which one to play at both' })
      .option('json', { type: 'boolean', default: false, describe: 'the result as JSON' })
      .option('html', { type: 'string', describe: 'write the matrix as a page that needs nothing else' })
      .option('markdown', { type: 'boolean', default: false, describe: 'the matrix as a Markdown table' })
      .option('etcd', { type: 'boolean', default: false, describe: 'a column more: etcd of this machine, run now' })
      .option('etcd-option', { ...moreOption, describe: `with --etcd: ${moreOption.describe}` })
      .example('$0 compare', 'the matrix, and a witness of all that is broken')
      .example('$0 compare 1 2', 'what stage 2 adds, replaces, gains and loses')
      .example('$0 compare --stages 2 --scenarios N3,N4 --seeds 0', 'a part of it'),
  async handler(args) {
    checkTogether(args)
    checkMore(args.etcdOption, args.etcd)
    process.exitCode = await (args.earlier === undefined ? compareAll(args) : compareTwo(args))
  },
}

/** Checks that the options fit together. @throws ConfigError if not */
function checkTogether({ earlier, later, scenario, ...matrix }: CompareArguments): void {
  const refuse = (sentence: string) => {
    throw new ConfigError(sentence)
  }
  if (earlier !== undefined && later === undefined) refuse('compare takes two stages, as in `compare 1 2`, or none')
  if (earlier === undefined && scenario !== undefined)
    refuse('--scenario goes with two stages; did you mean --scenarios?')
  const forAll = (['stages', 'scenarios', 'seeds', 'html'] as const).find((name) => matrix[name] !== undefined)
  const option = matrix.markdown ? 'markdown' : matrix.etcd ? 'etcd' : forAll
  if (earlier !== undefined && option) refuse(`--${option} is of the whole matrix; it does not go with two stages`)
  if (matrix.json && matrix.markdown) refuse('either --json or --markdown: there is one standard output')
}

async function compareAll(args: CompareArguments): Promise<number> {
  if (args.html !== undefined) checkWritable(args.html)
  const beside = args.etcd ? await etcdBeside(args.etcdOption) : null
  const ran = await runAll(args)
  const matrix = beside ? await beside(ran, someScenarios(args) ?? scenarios()) : ran
  if (args.json) console.log(JSON.stringify(matrix, null, 2))
  else if (args.markdown)
    console.log(
      [matrixAsMarkdown(matrix.stages, (stage, id) => cellAt(matrix, stage, id).verdict), ...groundsOf(matrix)].join(
        '\n\n',
      ),
    )
  else console.log(matrixAsText(matrix))
  if (args.json || args.markdown) for (const problem of problemsOf(matrix)) console.error(problem)
  if (args.html !== undefined) {
    writeFileSync(args.html, matrixAsPage(matrix, lessonsFrom(args.html)))
    console.error(`the page is in ${args.html}`)
  }
  return problemsOf(matrix).length > 0 ? 1 : 0
}

/** The scenarios that a person named; undefined for all. */
function someScenarios({ scenarios: named }: CompareArguments): Scenario[] | undefined {
  return named?.split(',').map((id) => scenarioArgument(id.trim()))
}

/** Finds etcd before anything is run. @throws ConfigError if it is not installed */
async function etcdBeside(more: MoreOptions) {
  const { requireEtcd } = await import('../engine/etcd/program.js')
  const { playAllOnEtcd } = await import('../proof/scenario/etcd.js')
  const options = Object.entries(more).map(([name, value]) => `, ${name}=${value}`)
  const title = `${requireEtcd()}${options.join('')}, ${new Date().toISOString().slice(0, 10)}`
  return async (matrix: Matrix, all: readonly Scenario[]) => {
    let bar: ReturnType<typeof progress> | undefined
    const played = await playAllOnEtcd(all, more, (done, total, id) => {
      bar ??= progress(total)
      bar.show(done, `etcd, scenario ${id}`)
    })
    bar?.clear()
    return withColumn(matrix, title, played)
  }
}

/** Gives links to the lessons from a page in a file, as far as the lessons are here. */
function lessonsFrom(page: string): LessonLink {
  return (number) => {
    if (typeof number !== 'number') return null
    const lesson = lessonOf(stages[number]!)
    return existsSync(lesson) ? relative(dirname(resolve(page)), lesson).replaceAll('\\', '/') : null
  }
}

async function runAll(args: CompareArguments): Promise<Matrix> {
  const chosen = args.stages?.split(',').map((name) => stageArgument(name.trim()))
  const some = someScenarios(args)
  let bar: ReturnType<typeof progress> | undefined
  try {
    return await computeMatrix({
      stages: chosen ? stages.filter((stage) => chosen.includes(stage)) : stages,
      scenarios: some ?? scenarios(),
      seeds: args.seeds ?? defaultSeeds,
      players,
      onHosts: recordedOnHosts(),
      sweep: (stage, climate, seeds, onResult) =>
        sweep({ stage: stage.number, climate, firstSeed: 1, seeds }, onResult),
      complete: some === undefined && (args.seeds ?? defaultSeeds) >= defaultSeeds,
      onProgress(done, total, what) {
        bar ??= progress(total)
        bar.show(done, what)
      },
    })
  } finally {
    bar?.clear()
  }
}

/** Finds a scenario by its name. @throws ConfigError that lists the scenarios */
function scenarioArgument(id: string): Scenario {
  const all = scenarios()
  const found = all.find((scenario) => scenario.id.toLowerCase() === id.toLowerCase())
  if (found) return found
  throw new ConfigError(`there is no scenario ${JSON.stringify(id)}; there are ${all.map(({ id }) => id).join(' ')}`)
}

/**
 * Checks that a file can be written before the suite runs: a minute's work should not be lost to a missing folder.
 *
 * @throws ConfigError if its folder is missing
 */
function checkWritable(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK)
  } catch {
    throw new ConfigError(`cannot write ${file}: there is no folder ${dirname(file)} to write to`)
  }
}

async function compareTwo(args: CompareArguments): Promise<number> {
  const pair = [stageArgument(args.earlier!), stageArgument(args.later!)] as const
  if (pair[0].number >= pair[1].number) throw new ConfigError('the earlier of the two stages comes first')
  const twice = await oneScenario(pair, args.scenario)
  const columns = columnsOf(process.stdout, plainColumns)
  if (args.json) console.log(JSON.stringify(differenceAsJson(...pair, twice), null, 2))
  else console.log(await differenceAsText(...pair, twice, columns))
  return 0
}

/** Checks that a scenario can be played: it cannot add or remove nodes where the members are fixed. */
function isFor([earlier]: readonly [Stage, Stage], { fromStage }: Scenario): boolean {
  return earlier.members === 'changing' || stages[fromStage]!.members === 'fixed'
}

/** Plays the scenario that was asked for, or one in virtual time that shows what changed. */
async function oneScenario(pair: readonly [Stage, Stage], id: string | undefined): Promise<Twice | null> {
  if (id === undefined) {
    const quick = scenarios().filter((one) => one.drivers.includes('virtual') && isFor(pair, one))
    return tellingScenario(pair, quick, players.virtual)
  }
  const scenario = scenarioArgument(id)
  if (!isFor(pair, scenario))
    throw new ConfigError(`${id} takes nodes in and out, and at stage ${pair[0].number} the members are fixed`)
  return playTwice(pair, scenario, scenario.drivers.includes('virtual') ? players.virtual : players.real)
}
