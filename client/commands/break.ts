import { ConfigError } from '../../src/errors.js'
import { guarantees } from '../../src/proof/guarantees.js'
import { catalogue } from '../../src/proof/scenario/catalogue.js'
import { playVirtually } from '../../src/proof/scenario/virtual.js'
import type { Moment } from '../../src/proof/simulation/simulate.js'
import { runSeed } from '../../src/proof/simulation/sweep.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { smallest } from '../proof/smallest.js'
import { seedsToTry, type WrongRule, wrongRules } from '../proof/wrong-rules/index.js'
import { colour } from '../text/colour.js'
import { Lanes } from '../text/lanes.js'
import { progress } from '../text/progress.js'
import { messagesOption, stageArgument } from './arguments.js'
import type { Verb } from './verb.js'

export const breakRule: Verb<{ stage: string; rule: string | undefined; messages: boolean }> = {
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
      .positional('rule', { type: 'string', describe: 'the wrong rule' })
      .option('messages', messagesOption)
      .example('$0 break 2', 'the wrong rules for stage 2')
      .example('$0 break 2 majority-off-by-one', 'the smallest disaster that it leads to'),
  async handler({ stage: name, rule, messages }) {
    const stage = stageArgument(name)
    const rules = wrongRules.filter((wrong) => wrong.stage.number === stage.number)
    if (rule === undefined) return list(stage.number, rules)
    const wrong = rules.find((one) => one.name === rule)
    if (!wrong) {
      const names = rules.map((one) => one.name).join(', ') || 'none yet'
      throw new ConfigError(`stage ${stage.number} has no wrong rule ${JSON.stringify(rule)}; there are: ${names}`)
    }
    console.log(`${colour.bold(wrong.name)}: ${wrong.what}\n`)
    const lanes = messages ? new Lanes(console.log) : undefined
    const story = await disaster(wrong, lanes && ((event) => lanes.take(event as TraceLine)))
    lanes?.end()
    console.log(`${lanes ? '\n' : ''}${story.join('\n')}`)
  },
}

function list(stage: number, rules: readonly WrongRule[]): void {
  if (rules.length === 0) console.log(`stage ${stage} has no wrong rules of its own yet`)
  for (const { name, what } of rules) console.log(`${colour.bold(name)}\n   ${what}`)
}

/** Plays the rule where it is known to fail, and tells the smallest story of the failure. */
async function disaster({ name, stage, caught }: WrongRule, hear?: (event: Moment) => void): Promise<string[]> {
  if ('scenario' in caught) {
    const scenario = catalogue().find(({ id }) => id === caught.scenario)!
    return [...(await playVirtually(scenario, stage, 1, hear)).transcript]
  }
  if ('claim' in caught) return [`no guarantee falls for it soon; the stage's tests say so: ${caught.claim}`]
  const { guarantee, climate, seeds } = caught
  const bar = progress(seeds)
  const note = `looking for a seed that breaks ${guarantee}: ${guarantees[guarantee]}`
  for (const [tried, seed] of seedsToTry(name, seeds).entries()) {
    bar.show(tried, note)
    const { findings } = await runSeed(stage, seed, climate)
    if (!findings.some((found) => found.guarantee === guarantee)) continue
    bar.clear()
    return [
      `seed ${seed} breaks ${guarantee}, ${guarantees[guarantee]}:`,
      ...(await smallest(stage, seed, climate, guarantee, hear)),
    ]
  }
  bar.clear()
  throw new ConfigError(`${seeds} seeds did not break ${guarantee}: the wrong rule went unnoticed`)
}
