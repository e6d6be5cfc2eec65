import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import ndjson from 'ndjson'
import { ConfigError } from '../../src/errors.js'
import { readTrace } from '../../src/trace/file.js'
import { mergeTraces } from '../../src/trace/merge.js'
import { Lanes } from '../text/lanes.js'
import { UsageError } from '../text/words.js'
import { uiOption, uiPortOption } from './arguments.js'
import { serveUntilStopped } from './serve.js'
import type { Verb } from './verb.js'

interface TraceArguments {
  what: string
  path: string
  ui: boolean
  uiPort: number
}

export const trace: Verb<TraceArguments> = {
  builder: (yargs) =>
    yargs
      .positional('what', { type: 'string', demandOption: true, describe: 'show, or merge' })
      .positional('path', { type: 'string', demandOption: true, describe: 'the file to show, or the folder of files' })
      .option('ui', { ...uiOption, describe: `with show: ${uiOption.describe}` })
      .option('ui-port', uiPortOption)
      .example('$0 trace show run.ndjson', 'what happened, an event a line and a column for each node')
      .example('$0 trace merge traces > all.ndjson', 'the files of `run --trace traces` as one, in order of time'),
  async handler({ what, path, ui, uiPort }) {
    if (what === 'show') return ui ? showPage(path, uiPort) : show(path)
    if (what === 'merge') return merge(path)
    throw new UsageError(`trace knows show and merge, and not ${JSON.stringify(what)}`)
  },
}

async function showPage(path: string, port: number): Promise<void> {
  const { traceShown } = await import('../ui/recorded.js')
  await serveUntilStopped(await traceShown(path), port)
}

async function show(path: string): Promise<void> {
  const lanes = new Lanes(console.log)
  for await (const line of readTrace(path)) lanes.take(line)
  lanes.end()
}

/** Writes one trace of all that are in a folder. A reader that has enough, such as `head`, is no error. */
async function merge(folder: string): Promise<void> {
  const traces = tracesIn(folder).map((name) => readTrace(join(folder, name)))
  try {
    await pipeline(mergeTraces(traces), ndjson.stringify(), process.stdout, { end: false })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error
  }
}

/** Lists the traces in a folder. @throws ConfigError if there is none */
function tracesIn(folder: string): string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.ndjson'))
    if (names.length > 0) return names.sort()
  } catch (error) {
    throw new ConfigError(`cannot read the folder ${folder}: ${(error as Error).message}`)
  }
  throw new ConfigError(`there is no trace in ${folder}: their names end with .ndjson`)
}
