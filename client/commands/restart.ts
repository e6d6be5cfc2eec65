import { ConfigError } from '../../src/errors.js'
import { restartAll } from '../cluster/restart-all.js'
import { fileOptions, type OfFile, tokensOption, withBackground } from './of-file.js'
import type { Verb } from './verb.js'

export const restart: Verb<OfFile> = {
  builder: (yargs) =>
    yargs
      .options(fileOptions)
      .option('tokens', tokensOption)
      .example('$0 restart', 'one node after another, the leader last; each has caught up before the next')
      .epilogue('From stage 10 on the leader hands over first, and no call is lost.'),
  handler: (args) =>
    withBackground(args, async (cluster, say) => {
      const seen = await cluster.lookHere()
      const down = seen.filter(({ process }) => process === null).map(({ node }) => node.id)
      if (down.length === seen.length) throw new ConfigError('nothing runs: `raft-roadmap up` starts it')
      await restartAll(cluster, say)
    }),
}
