import { statSync } from 'node:fs'
import { verifyBackup } from '../../src/backup/read-backup.js'
import { Output } from '../backup/progress.js'
import type { Verb } from './verb.js'

interface VerifyArguments {
  file: string
  json: boolean
}

export const verify: Verb<VerifyArguments> = {
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'a file that `backup` has written' })
      .option('json', { type: 'boolean', default: false, describe: 'what was found as NDJSON, an event a line' })
      .epilogue('Exit code 0: every line, their order, count and hash are right; 65: it says which line is wrong.'),
  async handler({ file, json }) {
    const output = new Output(json)
    const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 }
    try {
      const { header, ...footer } = await verifyBackup(file, output.progress('verify', size))
      const { cluster, origin, index, term, engine, at: written } = header
      output.say({ event: 'verified', file, cluster, origin, index, term, engine, ...footer, written })
    } finally {
      output.end()
    }
  },
}
