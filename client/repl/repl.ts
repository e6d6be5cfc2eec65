import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import { type CommandShape, type Event, failure, type Outcome } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { Cluster } from '../../src/server/cluster.js'
import { exitCodes } from '../../src/server/exits.js'
import { isFaultWord } from '../../src/server/faults.js'
import { escapedLines } from '../../src/text.js'
import { stages } from '../../stages/index.js'
import type { Client } from '../client.js'
import {
  type CatchingUp,
  type ChangeSettings,
  changeMembers,
  isChange,
  oncePerRound,
} from '../cluster/change-members.js'
import { isMemberWord, type Membership } from '../cluster/membership.js'
import { checkFile, describeCheck } from '../commands/check.js'
import type { Guide } from '../learn/guide.js'
import { describeOutcome, exitCode } from '../text/answers.js'
import { colour } from '../text/colour.js'
import { describeBar, describeEvent, isNotable } from '../text/events.js'
import { type Folders, logTable, oneLog } from '../text/log-table.js'
import { nodeNames, statusTable, whoLeads } from '../text/status.js'
import { parseLine, UsageError } from '../text/words.js'
import { complete } from './complete.js'
import { nameRoles, performFault } from './fault-words.js'
import { FoldedEvents } from './fold-events.js'
import { historySize, keepLine, loadHistory } from './history.js'
import { describeUnknown, describeWords, isKnown, meant } from './repl-words.js'
import { isRestartAll, restartAll } from './restart-all.js'
import { Screen } from './screen.js'
import { Session } from './session.js'

export interface ReplOptions {
  readonly client: Client
  readonly addresses: readonly string[]
  readonly shapes: Readonly<Record<string, CommandShape>>
  /** The text before the `>` of the prompt. */
  readonly prompt: string
  /** The cluster, if it was started here: then the fault words work. */
  readonly cluster?: Cluster
  /** Gives the folders of the nodes' logs, if the logs are in files. */
  readonly folders?: () => Folders
  /** The reason why no logs are in files, where none are. */
  readonly withoutLogs?: string
  /** Adds and removes nodes of the cluster, where members change. */
  readonly membership?: Membership
  /** A guide through a lesson, which sees each line before and after it is obeyed. */
  readonly guide?: Pick<Guide, 'takes' | 'obeyed' | 'leaves'>
  readonly input: Readable & { isTTY?: boolean }
  readonly output: Writable
}

/** Milliseconds without an answer after which a person is told that the REPL still waits. */
const hintMs = 2_000
const hint = 'waiting for an answer, or for those that it needs; Ctrl-C ends the waiting'
const givenUp = 'nobody waits for it any more; it may still happen, as `status` or `get` will show'
/** Milliseconds that the first prompt waits for a node that knows the leader. */
const greetingMs = 1_000

/** One line that is being answered. */
interface Turn {
  readonly signal: AbortSignal
  /** Prints a text, unless the waiting was ended. */
  readonly say: (text: string) => void
}

/**
 * A REPL reads commands and fault words, a line each, and answers them one after another. With a pipe it works as a
 * filter: no prompt, no history, and the exit code tells of the last line that was not done.
 */
export class Repl {
  readonly #options: ReplOptions
  readonly #interactive: boolean
  readonly #readline: Interface
  readonly #screen: Screen
  readonly #session: Session
  readonly #events = new FoldedEvents((event, more) => this.#show(event, more))
  /** Lines that were typed ahead: not answered yet, and not the one being answered. */
  #ahead: string[] = []
  #working: Promise<void> | null = null
  /** Ends the waiting for the line that is being answered; null while none is. */
  #waiting: AbortController | null = null
  #exitCode: number = exitCodes.done
  #closed = false
  /** Names of nodes that Tab offers, where the cluster was not started here. */
  #known: readonly string[] = []

  constructor(options: ReplOptions) {
    this.#options = options
    this.#session = new Session(Object.keys(options.shapes))
    this.#interactive = options.input.isTTY === true
    this.#readline = createInterface({
      input: options.input,
      output: options.output,
      terminal: this.#interactive,
      prompt: `${options.prompt}> `,
      ...(this.#interactive && { history: loadHistory(), historySize, removeHistoryDuplicates: true }),
      completer: (line: string) => complete(line, options, this.#names()),
    })
    this.#screen = new Screen(this.#readline, options.output, this.#interactive)
  }

  /** Runs until the input ends or a line says `exit`. @returns the exit code */
  async run(): Promise<number> {
    const readline = this.#readline
    const closed = new Promise<void>((resolve) => {
      readline.once('close', () => {
        this.#closed = true
        this.#screen.end()
        // A person who leaves does not wait any more; the last lines of a pipe are still answered.
        if (this.#interactive) this.#waiting?.abort()
        resolve()
      })
    })
    readline.on('line', (line) => {
      this.#ahead.push(line.trim())
      if (this.#working) this.#screen.typedAhead(line)
      this.#working ??= this.#work()
    })
    if (this.#interactive) {
      readline.on('SIGINT', () => this.#interrupt())
      readline.on('history', keepLine)
      this.#working = this.#greet().then(() => this.#work())
    }
    await closed
    await this.#working
    if (this.#interactive) this.#options.output.write('\n')
    return this.#exitCode
  }

  /** Ends the session, and the waiting for an answer. */
  close(): void {
    this.#waiting?.abort()
    this.#leave()
  }

  /** Ends the session; lines typed after `exit` are dropped. */
  #leave(): void {
    this.#ahead = []
    this.#waiting = null
    this.#readline.close()
  }

  /** Shows an event of the cluster above the line that is being typed; a flood of events is folded. */
  show(event: Event): void {
    if (isNotable(event)) this.#events.take(event)
  }

  /** Shows text that a node has written and that is no event. */
  note(text: string): void {
    if (!this.#closed) this.#screen.print(text)
  }

  #show(event: Event, more: number): void {
    if (!this.#closed)
      this.#screen.tell(`${describeEvent(event)}${more > 0 ? colour.dim(` (${more} more like it)`) : ''}`)
  }

  /** Prints the leader before the first prompt, because nobody saw its election. */
  async #greet(): Promise<void> {
    this.#screen.busy()
    const late = new Promise<null>((resolve) => setTimeout(resolve, greetingMs, null).unref())
    const who = await Promise.race([whoLeads(this.#options), late])
    this.#known = who?.names ?? []
    if (who?.sentence && !this.#closed) this.#screen.print(colour.dim(who.sentence))
  }

  /** Answers what has been typed, one line after another. */
  async #work(): Promise<void> {
    this.#screen.busy()
    for (let first = true; this.#ahead.length > 0; first = false) {
      const line = this.#ahead.shift()!
      if (!first) this.#screen.echo(line)
      await this.#perform(line)
    }
    this.#working = null
    if (!this.#closed) this.#screen.ready()
  }

  /** Handles Ctrl-C: ends the waiting, if there is any, and otherwise empties the line. */
  #interrupt(): void {
    if (this.#waiting) {
      const dropped = this.#ahead.splice(0).length
      if (dropped > 0) this.#screen.print(colour.dim(`${dropped} typed ahead: dropped`))
      return this.#waiting.abort()
    }
    const leaving = this.#readline.line === '' ? colour.dim(' (Ctrl-D or `exit` leaves)') : ''
    this.#readline.write(null, { ctrl: true, name: 'e' })
    this.#readline.write(null, { ctrl: true, name: 'u' })
    this.#options.output.write(`${leaving}\n`)
    this.#readline.prompt()
  }

  async #perform(line: string): Promise<void> {
    const waiting = new AbortController()
    const { signal } = waiting
    const say = (text: string) => (signal.aborted ? undefined : this.#screen.print(text))
    const reminder = setTimeout(() => this.#screen.hasNotice || this.#screen.notice(colour.dim(hint)), hintMs)
    this.#waiting = waiting
    try {
      const given = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      const work = this.#obey(line, { signal, say })
      work.catch(() => {})
      await Promise.race([work, given])
      if (signal.aborted) this.#giveUp()
    } catch (error) {
      if (!(error instanceof UsageError || error instanceof ConfigError)) throw error
      this.#exitCode = exitCodes.usage
      this.#screen.tell(colour.red(escapedLines(error.message)))
    } finally {
      clearTimeout(reminder)
      this.#screen.notice('')
      this.#waiting = null
    }
  }

  #giveUp(): void {
    this.#exitCode = exitCodes.unknown
    if (!this.#closed) this.#screen.print(colour.yellow(givenUp))
  }

  /** Obeys a line, unless it is for the guide; the guide hears of it either way. */
  async #obey(line: string, turn: Turn): Promise<void> {
    const { guide } = this.#options
    const answer = guide?.takes(line) ?? null
    if (answer === null) await this.#do(line, turn)
    const comment = answer ?? guide?.obeyed(line) ?? null
    if (comment !== null) turn.say(comment)
    if (guide?.leaves) this.#leave()
  }

  async #do(line: string, turn: Turn): Promise<void> {
    const [typed = '', ...words] = line.split(/\s+/)
    const word = meant(typed, this.#options)
    const rest = line.slice(typed.length).trim()
    if (word === '' || word.startsWith('#')) return
    if (word === 'exit') return this.#leave()
    if (word === 'help') return turn.say(describeWords(words[0], this.#options))
    if (word === 'status') return turn.say(await statusTable(this.#options, this.#screen.columns))
    if (word === 'log') return turn.say(await this.#log(await this.#name(words.join(' '))))
    if (word === 'check') return turn.say(rest === '' ? this.#session.check() : describeCheck(await checkFile(rest)))
    if (word === 'save' || word === 'save!') return turn.say(this.#session.save(rest, word === 'save!'))
    if (isFaultWord(word)) return this.#fault(`${word} ${rest}`, turn)
    if (isMemberWord(word)) return this.#comeAndGo(`${word} ${rest}`, turn)
    if (!isKnown(word, this.#options)) throw new UsageError(describeUnknown(typed, this.#options))
    return this.#ask(`${word}${line.slice(typed.length)}`, turn)
  }

  async #ask(line: string, turn: Turn): Promise<void> {
    const named = line.startsWith('transfer_leader ') ? await this.#name(line) : line
    const { command, at } = parseLine(named, this.#options.shapes)
    if (isChange(command) && at === null) {
      const asked = this.#options.membership?.fillIn(command) ?? command
      return this.#change((how) => changeMembers(this.#options.client, asked, how), turn)
    }
    const settings = at === null ? {} : { at: await this.#addressOf(at) }
    const started = performance.now()
    const leave = () => this.#session.record(command, noAnswer, started, performance.now())
    turn.signal.addEventListener('abort', leave)
    const outcome = await this.#options.client.call(command, settings)
    if (turn.signal.aborted) return
    turn.signal.removeEventListener('abort', leave)
    const ended = performance.now()
    this.#session.record(command, outcome, started, ended)
    const took = this.#interactive ? colour.dim(`  (${(ended - started).toFixed(1)} ms)`) : ''
    turn.say(`${describeOutcome(command, outcome)}${took}`)
    this.#exitCode = exitCode(outcome) || this.#exitCode
  }

  /** Waits for a change of members, and shows its progress. */
  async #change(perform: (how: ChangeSettings) => Promise<Outcome>, { signal, say }: Turn): Promise<void> {
    const show = this.#interactive
      ? (events: readonly CatchingUp[]) => this.#screen.notice(events.map(describeBar).join('  '))
      : oncePerRound((event) => say(describeEvent(event)))
    const outcome = await perform({ onProgress: show, signal })
    if (signal.aborted) return
    say(describeOutcome({ command: 'reconfigure' }, outcome))
    this.#exitCode = exitCode(outcome) || this.#exitCode
  }

  async #comeAndGo(line: string, turn: Turn): Promise<void> {
    const { membership } = this.#options
    if (!membership)
      throw new UsageError(
        '`add` and `remove` are words of `run`, from stage 8 on; elsewhere `add_node`, `remove_node`',
      )
    for (const one of membership.eachOf(await this.#name(line))) {
      if (turn.signal.aborted) return
      await this.#change((how) => membership.perform(one, (event) => turn.say(describeEvent(event)), how), turn)
    }
  }

  /** Replaces `leader` and `follower` in a line with names. */
  async #name(line: string): Promise<string> {
    const { cluster } = this.#options
    return cluster ? nameRoles(cluster, line) : line
  }

  async #addressOf(name: string): Promise<string> {
    const asked = await this.#name(name)
    const names = await nodeNames(this.#options)
    this.#known = [...names.keys()]
    const address = names.get(asked) ?? (asked === 'leader' ? (await whoLeads(this.#options)).address : undefined)
    if (!address) throw new UsageError(`no node ${name} is known; there are ${[...names.keys()].join(', ') || 'none'}`)
    return address
  }

  async #fault(line: string, { say, signal }: Turn): Promise<void> {
    const { cluster } = this.#options
    if (!cluster) throw new UsageError('this cluster was not started here: use the `run` that started it')
    if (isRestartAll(line)) return restartAll(cluster, (event) => say(describeEvent(event)), signal)
    for (const event of await performFault(cluster, line)) {
      if (event.event === 'refused') this.#exitCode = exitCodes.usage
      say(describeEvent(event))
    }
  }

  async #log(line: string): Promise<string> {
    const { folders, withoutLogs } = this.#options
    if (!folders)
      throw new UsageError(
        `there are no logs to look at here: ${withoutLogs}; stages keep logs from stage ${firstWithLog} on`,
      )
    const all = folders()
    const words = line.split(/\s+/).filter(Boolean)
    const [name, number, ...rest] = /^\d+$/.test(words[0] ?? '') ? [undefined, ...words] : words
    const tail = number === undefined ? undefined : Number(number)
    if (rest.length > 0 || tail === 0 || Number.isNaN(tail)) throw new UsageError('usage: log [n3] [20]')
    if (name === undefined) return logTable(all, tail)
    const folder = all.get(name)
    if (!folder) throw new UsageError(`there is no node ${name}; there are ${[...all.keys()].join(', ')}`)
    return oneLog(folder, tail)
  }

  #names(): readonly string[] {
    return this.#options.cluster?.nodes().map(({ id }) => id) ?? this.#known
  }
}

const firstWithLog = stages.find(({ keeps }) => keeps !== 'nothing')!.number

const noAnswer: Outcome = { outcome: 'unknown', error: failure('timeout', givenUp).error }
