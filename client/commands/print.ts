import { printStage } from '../text/print-stage.js'
import { stageArgument } from './arguments.js'
import type { Verb } from './verb.js'

export const print: Verb<{ stage: string }> = {
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
      .example('$0 print 2 | less', 'all that a node of stage 2 is made of'),
  async handler({ stage }) {
    process.stdout.write(await printStage(stageArgument(stage)))
  },
}
