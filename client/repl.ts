import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Cluster } from '../src/cluster.js'
import { ConfigError } from '../src/config.js'
import type { CommandShape, Event, Outcome } from '../src/contracts.js'
import { faultWords, isFaultWord } from '../src/faults.js'
import { exitCodes } from '../src/process.js'
import { escapedLines } from '../src/text.js'
import { describeOutcome, exitCode } from './answers.js'
import { type ChangeSettings, changeMembers, isChange, oncePerRound } from './change-members.js'
import type { Client } from './client.js'
import { colour } from './colour.js'
import { describeBar, describeEvent, isNotable } from './events.js'
import { performFault } from './fault-words.js'
import { type Folders, logTable, oneLog } from './log-table.js'
import { isMemberWord, type Membership, memberWords } from './membership.js'
import { Session } from './session.js'
import { nodeNames, statusTable } from './status.js'
import { parseLine, UsageError, usage } from './words.js'

export interface ReplOptions {
  readonly client: Client
  readonly addresses: readonly string[]
  readonly shapes: Readonly<Record<string, CommandShape>>
  /** What stands before the `>`. */
  readonly prompt: string
  /** The cluster that we started, if we did: then the fault words work. */
  readonly cluster?: Cluster
  /** Where its nodes keep their logs, if they do so in files. */
  readonly folders?: () => Folders
  /** Takes nodes in and out of it, where members change. */
  readonly membership?: Membership
  readonly input: Readable & { isTTY?: boolean }
  readonly output: Writable
}

/** The word for looking at what is on disk. */
const logWord = {
  'log [n3] [20]': 'the logs on disk beside each other, or one of them; its last 10 entries or so many',
}

const leaderWord = '  `leader` in place of a name means whoever leads now: kill leader'

/** After so many milliseconds without a word, a person is told that something is still waited for. */
const hintMs = 2_000

/** Words that are neither commands nor faults. */
const ownWords = {
  check: 'judge what was typed here: do all answers fit a single copy of the store?',
  'save FILE': 'write down what was asked and answered, for `raft-roadmap check FILE`',
  status: 'what every node says of itself, in one table',
  help: 'this list; `help cas` tells of one word',
  exit: 'leave (Ctrl-D does the same)',
}

/**
 * Reads commands and fault words, a line each, and answers them one after another. From a pipe it works as a filter:
 * no prompt, no history, and the exit code tells of the last line that was not done.
 */
export class Repl {
  readonly #options: ReplOptions
  readonly #interactive: boolean
  readonly #readline: Interface
  readonly #session = new Session()
  #queue: Promise<void> = Promise.resolve()
  #exitCode: number = exitCodes.done
  #closed = false
  #isDrawn = false
  /** While a change of members is waited for: ends that. */
  #waiting: AbortController | null = null
  /** Lines that have been typed and not answered yet: until they are, there is no prompt to keep clear. */
  #unanswered = 0

  constructor(options: ReplOptions) {
    this.#options = options
    this.#interactive = options.input.isTTY === true
    this.#readline = createInterface({
      input: options.input,
      output: options.output,
      terminal: this.#interactive,
      prompt: `${options.prompt}> `,
      ...(this.#interactive && { history: loadHistory(), historySize: 1_000, removeHistoryDuplicates: true }),
      completer: (line: string) => this.#complete(line),
    })
  }

  /** Runs until the input ends or somebody says `exit`. @returns the exit code */
  async run(): Promise<number> {
    const readline = this.#readline
    if (this.#interactive) {
      readline.on('SIGINT', () => this.#clearLine())
      readline.on('history', saveHistory)
      readline.prompt()
    }
    const closed = new Promise<void>((resolve) => {
      readline.once('close', () => {
        this.#closed = true
        resolve()
      })
    })
    readline.on('line', (line) => {
      this.#unanswered++
      this.#queue = this.#queue.then(() => this.#perform(line.trim()))
    })
    await closed
    await this.#queue
    if (this.#interactive) this.#print('')
    return this.#exitCode
  }

  /** Ends the session as `exit` would. */
  close(): void {
    this.#waiting?.abort()
    this.#readline.close()
  }

  /** Shows an event of the cluster above the line that is being typed. */
  show(event: Event): void {
    if (this.#closed || !isNotable(event)) return
    this.#undraw()
    const prompted = this.#interactive && this.#unanswered === 0
    this.#print(`${prompted ? '\r\x1b[K' : ''}${describeEvent(event)}`)
    if (prompted) this.#readline.prompt(true)
  }

  #print(text: string): void {
    this.#options.output.write(`${text}\n`)
  }

  #clearLine(): void {
    if (this.#waiting) return this.#waiting.abort()
    const hint = this.#readline.line === '' ? colour.dim(' (Ctrl-D or `exit` leaves)') : ''
    this.#readline.write(null, { ctrl: true, name: 'e' })
    this.#readline.write(null, { ctrl: true, name: 'u' })
    this.#print(hint)
    this.#readline.prompt()
  }

  async #perform(line: string): Promise<void> {
    const word = line.split(/\s+/)[0]!
    try {
      if (word === 'exit' || word === 'quit') this.close()
      else if (word === 'help') this.#print(this.#help(line.split(/\s+/)[1]))
      else if (word === 'status') this.#print(await statusTable(this.#options))
      else if (word === 'log') this.#print(await this.#log(line.split(/\s+/).slice(1)))
      else if (word === 'check') this.#print(this.#session.check())
      else if (word === 'save') this.#print(this.#session.save(line.slice(word.length).trim()))
      else if (isFaultWord(word)) await this.#fault(line)
      else if (this.#options.membership && isMemberWord(word))
        await this.#change((how) => this.#options.membership!.perform(line, (event) => this.#say(event), how))
      else if (word !== '' && !word.startsWith('#')) await this.#ask(line)
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof ConfigError)) throw error
      this.#exitCode = exitCodes.usage
      this.#print(colour.red(escapedLines(error.message)))
    }
    this.#unanswered--
    if (this.#interactive && !this.#closed) this.#readline.prompt()
  }

  async #ask(line: string): Promise<void> {
    const { command, at } = parseLine(line, this.#options.shapes)
    if (isChange(command) && at === null) {
      const asked = this.#options.membership?.fillIn(command) ?? command
      return this.#change((how) => changeMembers(this.#options.client, asked, how))
    }
    const settings = at === null ? {} : { at: await this.#addressOf(at) }
    const started = performance.now()
    const outcome = await this.#options.client.call(command, settings)
    const ended = performance.now()
    this.#session.record(command, outcome, started, ended)
    const took = this.#interactive ? colour.dim(`  (${(ended - started).toFixed(1)} ms)`) : ''
    this.#print(`${describeOutcome(command, outcome)}${took}`)
    this.#exitCode = exitCode(outcome) || this.#exitCode
  }

  /** Waits for a change of members, showing how far it is; Ctrl-C ends the waiting. */
  async #change(perform: (how: ChangeSettings) => Promise<Outcome>): Promise<void> {
    this.#waiting = new AbortController()
    const show = this.#interactive
      ? (events: readonly Event[]) => this.#draw(events)
      : oncePerRound((event) => this.#say(event))
    const hint = this.#interactive ? setTimeout(() => this.#hint(), hintMs) : undefined
    try {
      const outcome = await perform({ onProgress: show, signal: this.#waiting.signal })
      this.#undraw()
      this.#print(describeOutcome({ command: 'reconfigure' }, outcome))
      this.#exitCode = exitCode(outcome) || this.#exitCode
    } finally {
      clearTimeout(hint)
      this.#undraw()
      this.#waiting = null
    }
  }

  /** The newcomers' bars stand in the last line, over what stood there before. */
  #draw(events: readonly Event[]): void {
    this.#isDrawn = true
    this.#options.output.write(`\r\x1b[K${events.map(describeBar).join('  ')}`)
  }

  #hint(): void {
    if (this.#isDrawn) return
    this.#isDrawn = true
    this.#options.output.write(colour.dim('waiting for a leader, and for those that it needs; Ctrl-C ends the waiting'))
  }

  #undraw(): void {
    if (this.#isDrawn) this.#options.output.write('\r\x1b[K')
    this.#isDrawn = false
  }

  #say(event: Event): void {
    this.#undraw()
    this.#print(describeEvent(event))
  }

  async #addressOf(name: string): Promise<string> {
    const names = await nodeNames(this.#options)
    const address = names.get(name)
    if (!address) throw new UsageError(`no node ${name} is known; there are ${[...names.keys()].join(', ') || 'none'}`)
    return address
  }

  async #fault(line: string): Promise<void> {
    const { cluster } = this.#options
    if (!cluster) throw new UsageError('this cluster was not started here: use the `run` that started it')
    for (const event of await performFault(cluster, line)) this.#print(describeEvent(event))
  }

  async #log(words: readonly string[]): Promise<string> {
    const { folders } = this.#options
    if (!folders)
      throw new UsageError('there are no logs to look at here: they are in the files of the `run` that has them')
    const all = folders()
    const [name, number, ...rest] = /^\d+$/.test(words[0] ?? '') ? [undefined, ...words] : words
    const tail = number === undefined ? undefined : Number(number)
    if (rest.length > 0 || tail === 0 || Number.isNaN(tail)) throw new UsageError('usage: log [n3] [20]')
    if (name === undefined) return logTable(all, tail)
    const folder = all.get(name)
    if (!folder) throw new UsageError(`there is no node ${name}; there are ${[...all.keys()].join(', ')}`)
    return oneLog(folder, tail)
  }

  #help(word: string | undefined): string {
    const { shapes, cluster, folders, membership } = this.#options
    const rows = (entries: [string, string][]) =>
      entries.map(([left, right]) => `  ${left.padEnd(29)} ${colour.dim(right)}`)
    const commands = Object.entries(shapes).map(([name, shape]): [string, string] => [usage(name, shape), shape.help])
    const members = Object.values(memberWords).map(({ usage, help }): [string, string] => [usage, help])
    const faults = Object.values(faultWords).map(({ usage, help }): [string, string] => [usage, help])
    const own = Object.entries({ ...(folders && logWord), ...ownWords })
    if (word) {
      const found = [...commands, ...members, ...faults, ...own].filter(([left]) => left.split(' ')[0] === word)
      return found.length > 0
        ? rows(found).join('\n')
        : colour.red(`no word ${JSON.stringify(word)}; \`help\` lists all`)
    }
    const sections = [
      colour.bold('commands'),
      ...rows(commands),
      colour.dim('  a word in double quotes is a JSON string; `@n3` at the end asks that node and no other'),
      ...(membership ? [colour.bold('members'), ...rows(members)] : []),
      ...(cluster ? [colour.bold('faults'), ...rows(faults), colour.dim(leaderWord)] : []),
      colour.bold('here'),
      ...rows(own),
    ]
    return sections.join('\n')
  }

  /** Everything that can stand first in a line. */
  #words(): string[] {
    const { shapes, cluster, folders, membership } = this.#options
    const all = {
      ...shapes,
      ...(membership && memberWords),
      ...(cluster && faultWords),
      ...(folders && logWord),
      ...ownWords,
    }
    return Object.keys(all).map((word) => word.split(' ')[0]!)
  }

  #complete(line: string): [string[], string] {
    const words = line.split(/\s+/)
    const last = words.at(-1)!
    const names = this.#options.cluster?.nodes().map(({ id }) => id) ?? []
    const candidates =
      words.length === 1 ? this.#words() : takesNames(words[0]!) ? names : names.map((name) => `@${name}`)
    return [candidates.filter((candidate) => candidate.startsWith(last)).map((hit) => `${hit} `), last]
  }
}

/** Words that are followed by nodes' names. */
function takesNames(word: string): boolean {
  return isFaultWord(word) || isMemberWord(word) || ['log', 'remove_node', 'reconfigure'].includes(word)
}

/** Under `XDG_STATE_HOME`, as the XDG base directory specification has it. */
function historyFile(): string {
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'raft-roadmap', 'history')
}

function loadHistory(): string[] {
  try {
    return readFileSync(historyFile(), 'utf8').split('\n').filter(Boolean)
  } catch {
    return []
  }
}

/** Newest first, as readline has it. A history that cannot be kept is no reason to disturb anybody. */
function saveHistory(lines: readonly string[]): void {
  try {
    mkdirSync(dirname(historyFile()), { recursive: true })
    writeFileSync(historyFile(), `${lines.join('\n')}\n`)
  } catch {}
}
