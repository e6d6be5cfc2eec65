import type { CommandModule } from 'yargs'
import { printStage } from '../print-stage.js'
import { stageArgument } from './arguments.js'

export const print: CommandModule<object, { stage: string }> = {
  command: 'print <stage>',
  describe: "a stage's whole node as one file to read: its table, then every rule, in stage order",
  builder: (yargs) =>
    yargs
      .positional('stage', { type: 'string', demandOption: true, describe: 'its number, its name, or "latest"' })
      .example('$0 print 2 | less', 'all that a node of stage 2 is made of'),
  async handler({ stage }) {
    process.stdout.write(await printStage(stageArgument(stage)))
  },
}
