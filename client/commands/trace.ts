import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { stripVTControlCharacters } from 'node:util'
import ndjson from 'ndjson'
import { ConfigError } from '../../src/errors.js'
import { readTrace } from '../../src/trace/file.js'
import { mergeTraces } from '../../src/trace/merge.js'
import { colour } from '../text/colour.js'
import { Lanes } from '../text/lanes.js'
import { UsageError } from '../text/words.js'
import { uiOption, uiPortOption } from './arguments.js'
import { serveUntilStopped } from './serve.js'
import type { Verb } from './verb.js'

interface TraceArguments {
  what: string
  path: string
  beside: string | undefined
  ui: boolean
  uiPort: number
}

/** Lines that are shown before two traces part, and of each after that. */
const [linesBefore, linesAfter] = [12, 16]
/** Characters of a line that tell its moment. */
const momentLength = 8

export const trace: Verb<TraceArguments> = {
  builder: (yargs) =>
    yargs
      .positional('what', { type: 'string', demandOption: true, describe: 'show, or merge' })
      .positional('path', { type: 'string', demandOption: true, describe: 'the file to show, or the folder of files' })
      .option('beside', { type: 'string', describe: 'with show: another file, to see where the two part' })
      .option('ui', { ...uiOption, describe: `with show: ${uiOption.describe}` })
      .option('ui-port', uiPortOption)
      .example('$0 trace show run.ndjson', 'what happened, an event a line and a column for each node')
      .example('$0 trace show one.ndjson --beside other.ndjson', 'the moment at which two runs part; --ui shows both')
      .example('$0 trace merge traces > all.ndjson', 'the files of `run --trace traces` as one, in order of time'),
  async handler({ what, path, beside, ui, uiPort }) {
    if (beside !== undefined && what !== 'show')
      throw new UsageError('--beside goes with show: two traces are compared')
    if (what === 'show' && ui) return showPage(path, beside, uiPort)
    if (what === 'show') return beside === undefined ? show(path, console.log) : showBeside(path, beside)
    if (what === 'merge') return merge(path)
    throw new UsageError(`trace knows show and merge, and not ${JSON.stringify(what)}`)
  },
}

async function showPage(path: string, beside: string | undefined, port: number): Promise<void> {
  const { traceShown, tracesBeside } = await import('../ui/recorded.js')
  await serveUntilStopped(await (beside === undefined ? traceShown(path) : tracesBeside(path, beside)), port)
}

async function show(path: string, say: (line: string) => void): Promise<void> {
  const lanes = new Lanes(say)
  for await (const line of readTrace(path)) lanes.take(line)
  lanes.end()
}

/** Shows what two traces have in common last, and how each goes on. */
async function showBeside(path: string, other: string): Promise<void> {
  const [one, two]: [string[], string[]] = [[], []]
  await show(path, (line) => one.push(line))
  await show(other, (line) => two.push(line))
  const place = one.findIndex((line, at) => withoutMoment(line) !== withoutMoment(two[at] ?? ''))
  const end = place < 0 ? one.length : place
  if (end === one.length && end === two.length) return console.log(`the two never part: ${end} lines are the same`)
  console.log([...one.slice(0, 1), ...one.slice(Math.max(1, end - linesBefore), end)].join('\n'))
  for (const [name, lines] of [[path, one] as const, [other, two] as const]) {
    console.log(colour.bold(`here they part: ${name}`))
    console.log(lines.slice(end, end + linesAfter).join('\n') || '(it ends here)')
  }
}

/** Two runs may do the same at other moments. */
const withoutMoment = (line: string) => stripVTControlCharacters(line).slice(momentLength)

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
