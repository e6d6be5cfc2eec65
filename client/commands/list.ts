import { guarantees } from '../../src/proof/guarantees.js'
import { stages } from '../../stages/index.js'
import { colour } from '../text/colour.js'
import { stageArgument } from './arguments.js'
import type { Verb } from './verb.js'

export const list: Verb<{ stage: string | undefined; json: boolean }> = {
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', describe: 'only this one: its number, its name, or "latest"' })
      .option('json', { type: 'boolean', default: false, describe: 'one JSON object a stage' }),
  handler({ stage, json }) {
    const chosen = stage === undefined ? stages : [stageArgument(stage)]
    for (const { number, name, title, adds, stillBroken, gives, breaks } of chosen) {
      if (json) {
        console.log(JSON.stringify({ number, name, title, adds, stillBroken, gives, breaks }))
        continue
      }
      console.log(colour.bold(`${number}  ${title}`), colour.dim(`stages/${name}`))
      console.log(`   adds    ${adds}`)
      console.log(`   still   ${stillBroken}`)
      for (const id of gives) console.log(colour.green(`   ✔ ${id.padEnd(4)}`), guarantees[id])
      for (const [id, scenario] of Object.entries(breaks) as [keyof typeof guarantees, string][]) {
        console.log(
          colour.red(`   ✘ ${id.padEnd(4)}`),
          guarantees[id],
          colour.dim(`(shown by ${scenario === 'storm' ? `sim ${number}` : `scenario ${scenario}`})`),
        )
      }
      console.log('')
    }
    if (!json) console.log(`${colour.bold('run one:')} npx raft-roadmap run ${chosen.at(-1)!.number}`)
  },
}
