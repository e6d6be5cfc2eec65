import type { CommandModule } from 'yargs'
import { guarantees } from '../../src/guarantees.js'
import { stages } from '../../stages/index.js'
import { colour } from '../colour.js'

export const list: CommandModule<object, { json: boolean }> = {
  command: 'list',
  describe: 'the roadmap: what each stage adds, gives and breaks',
  builder: (yargs) => yargs.option('json', { type: 'boolean', default: false, describe: 'one JSON object a stage' }),
  handler({ json }) {
    for (const { number, name, title, adds, stillBroken, gives, breaks } of stages) {
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
    if (!json) console.log(`${colour.bold('run one:')} raft-roadmap run ${stages.at(-1)!.number}`)
  },
}
