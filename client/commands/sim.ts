import type { GuaranteeId } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { guarantees } from '../../src/proof/guarantees.js'
import { describeCounters, sumCounters } from '../../src/proof/simulation/counters.js'
import { type Climate, climates } from '../../src/proof/simulation/plan.js'
import type { Moment } from '../../src/proof/simulation/simulate.js'
import { runSeed, type SweepResult } from '../../src/proof/simulation/sweep.js'
import type { Stage } from '../../src/stage.js'
import { createTrace } from '../../src/trace/file.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { sweep } from '../proof/sim-pool.js'
import { smallest } from '../proof/smallest.js'
import { colour } from '../text/colour.js'
import { Lanes } from '../text/lanes.js'
import { progress } from '../text/progress.js'
import { messagesOption, stageArgument, uiOption, uiPortOption, wholeNumber } from './arguments.js'
import { serveUntilStopped } from './serve.js'
import type { Verb } from './verb.js'

interface SimArguments {
  stage: string
  seeds: number
  seed: number | undefined
  climate: Climate
  trace: string | undefined
  messages: boolean
  ui: boolean
  beside: string | undefined
  uiPort: number
  noShrink: boolean
  json: boolean
}

export const sim: Verb<SimArguments> = {
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
      .option('seeds', { default: 100, describe: 'how many seeds, from 1', coerce: wholeNumber('seeds', 1, 1e9) })
      .option('seed', { describe: 'this seed alone', coerce: wholeNumber('seed', 0, Number.MAX_SAFE_INTEGER) })
      .option('climate', {
        choices: climates,
        default: 'storm',
        describe: 'no faults, all of them, all of them over a minute or two, or leaders that change all the time',
      })
      .option('trace', { type: 'string', describe: 'with --seed: a file for everything that happens, as NDJSON' })
      .option('messages', { ...messagesOption, describe: `with --seed: ${messagesOption.describe}` })
      .option('ui', { ...uiOption, describe: `with --seed: ${uiOption.describe}` })
      .option('ui-port', uiPortOption)
      .option('beside', { type: 'string', describe: 'with --ui: another stage, to see where the two part' })
      .option('no-shrink', {
        type: 'boolean',
        default: false,
        describe: 'do not shrink the first seed that breaks each guarantee',
      })
      .option('json', { type: 'boolean', default: false, describe: 'a line of JSON for each seed' })
      .example('$0 sim 2 --seeds 200', 'two hundred storms')
      .example('$0 sim 2 --seed 17 --trace run.ndjson', 'one of them again, in every detail')
      .example('$0 sim 2 --seed 17 --messages', 'the same to be read')
      .example('$0 sim 2 --seed 17 --ui', 'the same as a page, to go back and forth in'),
  async handler(args) {
    const stage = stageArgument(args.stage)
    if (args.trace !== undefined && args.seed === undefined)
      throw new ConfigError('--trace needs --seed: one run, one file')
    if (args.messages && args.seed === undefined) throw new ConfigError('--messages needs --seed: one run to be read')
    if (args.messages && args.json) throw new ConfigError('either --messages or --json: the first is for people')
    if (args.beside !== undefined && !args.ui)
      throw new ConfigError('--beside needs --ui: two stages are seen side by side')
    if (args.ui) return showSeed(stage, args)
    const results = args.seed === undefined ? await manySeeds(stage, args) : [await oneSeed(stage, args.seed, args)]
    if (!args.json) await report(stage, results, args)
    process.exitCode = promisedAndBroken(stage, results).length > 0 ? 1 : 0
  },
}

/** Shows a seed as a page. @throws ConfigError if there is none */
async function showSeed(stage: Stage, { seed, climate, uiPort, beside }: SimArguments): Promise<void> {
  if (seed === undefined) throw new ConfigError('--ui needs --seed: one run to be looked at')
  const { seedShown, seedsBeside } = await import('../ui/recorded.js')
  const other = beside === undefined ? null : stageArgument(beside)
  const shown = other ? seedsBeside(stage, other, seed, climate) : seedShown(stage, seed, climate)
  await serveUntilStopped(await shown, uiPort)
}

async function oneSeed(stage: Stage, seed: number, args: SimArguments): Promise<SweepResult> {
  const { climate, trace, messages, json } = args
  const file = trace === undefined ? undefined : createTrace(trace)
  const lanes = messages ? new Lanes(console.log) : undefined
  const hear = (event: Moment) => {
    file?.write(event)
    lanes?.take(event as TraceLine)
  }
  const result = await runSeed(stage, seed, climate, file || lanes ? hear : undefined, file?.room)
  lanes?.end()
  await file?.end()
  if (json) console.log(JSON.stringify(result))
  return result
}

async function manySeeds(stage: Stage, { seeds, climate, json }: SimArguments): Promise<SweepResult[]> {
  const results: SweepResult[] = []
  const bar = progress(seeds)
  await sweep({ stage: stage.number, climate, firstSeed: 1, seeds }, (result) => {
    results.push(result)
    bar.show(results.length, `${results.filter(({ findings }) => findings.length > 0).length} seeds break something`)
    if (json) console.log(JSON.stringify(result))
  })
  bar.clear()
  return results.sort((a, b) => a.seed - b.seed)
}

/** Lists the guarantees that the stage gives and a seed broke. */
function promisedAndBroken(stage: Stage, results: readonly SweepResult[]): GuaranteeId[] {
  return broken(results).filter((id) => stage.gives.includes(id))
}

function broken(results: readonly SweepResult[]): GuaranteeId[] {
  return [...new Set(results.flatMap(({ findings }) => findings.map(({ guarantee }) => guarantee)))].sort()
}

async function report(
  stage: Stage,
  results: readonly SweepResult[],
  { climate, noShrink }: SimArguments,
): Promise<void> {
  const seconds = results.reduce((sum, { virtualMs }) => sum + virtualMs, 0) / 1000
  const operations = results.reduce((sum, one) => sum + one.operations, 0)
  console.log(
    `stage ${stage.number}, ${climate}: ${results.length} seeds, ${operations} operations, ${describeTime(seconds)} of virtual time`,
  )
  console.log(colour.dim(describeCounters(sumCounters(results.map(({ counters }) => counters)))))
  for (const id of broken(results)) {
    const seeds = results.filter(({ findings }) => findings.some(({ guarantee }) => guarantee === id))
    const declared = stage.gives.includes(id)
      ? colour.red(' (BUT THE STAGE GIVES IT)')
      : colour.dim(id in stage.breaks ? ' (as the stage says of itself)' : ' (the stage says nothing of it)')
    console.log(
      `\n${colour.red(`✘ ${id}`)} ${guarantees[id]}: broken by ${seeds.length} of ${results.length} seeds${declared}`,
    )
    const { seed, findings } = seeds[0]!
    const story = noShrink
      ? [findings.find(({ guarantee }) => guarantee === id)!.what]
      : await smallest(stage, seed, climate, id)
    console.log(story.map((line) => `  ${line}`).join('\n'))
    console.log(colour.dim(`  again: npx raft-roadmap sim ${stage.number} --climate ${climate} --seed ${seed}`))
  }
  if (broken(results).length === 0) console.log(colour.green('✔ nothing was found'))
}

function describeTime(seconds: number): string {
  return seconds < 120
    ? `${seconds.toFixed(0)} s`
    : seconds < 7_200
      ? `${(seconds / 60).toFixed(0)} min`
      : `${(seconds / 3_600).toFixed(1)} h`
}
