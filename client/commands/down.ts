import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import type { Event } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import type { Background } from '../cluster/background.js'
import { shownPath } from '../cluster/cluster-file.js'
import { ownAuthority } from '../cluster/tls-places.js'
import { foldersToWipe, remove } from '../cluster/wipe.js'
import { fileOptions, type OfFile, withBackground } from './of-file.js'
import type { Verb } from './verb.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** Folders of nodes are gone, with all that they held. */
    folders_deleted: { folders: readonly string[] }
  }
}

interface DownArguments extends OfFile {
  wipe: boolean
  yes: boolean
}

export const down: Verb<DownArguments> = {
  builder: (yargs) =>
    yargs
      .options(fileOptions)
      .option('wipe', {
        type: 'boolean',
        default: false,
        describe: 'delete what the nodes have kept, too; it asks first',
      })
      .option('yes', { type: 'boolean', default: false, describe: 'with --wipe: do not ask' })
      .check(({ wipe, yes }) => wipe || !yes || 'with --yes goes --wipe: nothing else is asked')
      .example('$0 down', 'ends the nodes of cluster.yaml; `up` starts them again with all that they have kept'),
  async handler(args) {
    const end = async (cluster: Background, say: (event: Event) => void) => {
      const seen = await cluster.look()
      const nodes = seen.map(({ node }) => ({ node, process: cluster.folderOf(node) }))
      const folders = args.wipe ? await foldersToWipe(cluster.file, nodes) : []
      const certificates = ownAuthority(cluster.file.dataDir)
      if (args.wipe && args.node === undefined && existsSync(certificates)) folders.push(certificates)
      if (folders.length > 0 && !args.yes && !(await isWanted(cluster, folders))) return exitCodes.refused
      const ended = args.node === undefined ? await cluster.stopAll() : [await cluster.stop(args.node)]
      for (const event of ended) say(event)
      if (folders.length === 0) return exitCodes.done
      remove(cluster.file, folders)
      say({ event: 'folders_deleted', folders: folders.map(shownPath) })
      return exitCodes.done
    }
    // Whoever may end the processes needs no token for it.
    process.exitCode = await withBackground(args, end, { mayBeRefused: true })
  },
}

/** Asks on the terminal whether folders are to be deleted. @throws ConfigError if there is no terminal to ask on */
async function isWanted({ file }: Background, folders: readonly string[]): Promise<boolean> {
  if (!process.stdin.isTTY)
    throw new ConfigError('--wipe asks before it deletes, and there is no terminal to ask on: say --yes if you mean it')
  const asking = createInterface({ input: process.stdin, output: process.stdout })
  const list = folders.map((folder) => `  ${shownPath(folder)}`).join('\n')
  try {
    const question = `This ends the nodes of ${file.cluster} and deletes all that they have kept:\n${list}\nDelete it? [y/N] `
    // Ctrl-C and Ctrl-D are no answer.
    const answer = await asking.question(question).catch(() => '\n')
    const isWanted = /^y(es)?$/i.test(answer.trim())
    if (!isWanted) console.log(`${answer === '\n' ? answer : ''}Nothing was ended, and nothing deleted.`)
    return isWanted
  } finally {
    asking.close()
  }
}
