import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { Event } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import { escapedLines } from '../../src/text.js'
import type { Guide } from '../learn/guide.js'
import { colour } from '../text/colour.js'
import { describeEvent, isNotable } from '../text/events.js'
import { whoLeads } from '../text/status.js'
import { UsageError } from '../text/words.js'
import { Answerer, type AnswererOptions, givenUp, type Turn } from './answerer.js'
import { complete } from './complete.js'
import { FoldedEvents } from './fold-events.js'
import { historySize, keepLine, loadHistory } from './history.js'
import { Screen } from './screen.js'

export interface ReplOptions extends AnswererOptions {
  /** The text before the `>` of the prompt. */
  readonly prompt: string
  /** A guide through a lesson, which sees each line before and after it is obeyed. */
  readonly guide?: Pick<Guide, 'takes' | 'obeyed' | 'leaves'>
  readonly input: Readable & { isTTY?: boolean }
  readonly output: Writable
  /** Answers what is typed, if a page has the same history; the REPL makes its own if it is left out. */
  readonly answerer?: Answerer
}

/** Milliseconds without an answer after which a person is told that the REPL still waits. */
const hintMs = 2_000
const hint = 'waiting for an answer, or for those that it needs; Ctrl-C ends the waiting'
/** Milliseconds that the first prompt waits for a node that knows the leader. */
const greetingMs = 1_000

/**
 * A REPL reads commands and fault words, a line each, and answers them one after another. With a pipe it works as a
 * filter: no prompt, no history, and the exit code tells of the last line that was not done.
 */
export class Repl {
  readonly #options: ReplOptions
  readonly #interactive: boolean
  readonly #readline: Interface
  readonly #screen: Screen
  readonly #answerer: Answerer
  readonly #events = new FoldedEvents((event, more) => this.#show(event, more))
  /** Lines that were typed ahead: not answered yet, and not the one being answered. */
  #ahead: string[] = []
  #working: Promise<void> | null = null
  /** Ends the waiting for the line that is being answered; null while none is. */
  #waiting: AbortController | null = null
  #exitCode: number = exitCodes.done
  #closed = false

  constructor(options: ReplOptions) {
    this.#options = options
    this.#answerer = options.answerer ?? new Answerer(options)
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
    this.#answerer.known = who?.names ?? []
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
      const work = this.#obey(line, this.#turn(signal, say))
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

  #turn(signal: AbortSignal, say: (text: string) => void): Turn {
    return {
      signal,
      say,
      client: 'repl',
      columns: this.#screen.columns,
      tellsTime: this.#interactive,
      ...(this.#interactive && { notice: (text: string) => this.#screen.notice(text) }),
      fail: (code) => {
        this.#exitCode = code
      },
      leave: () => this.#leave(),
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
    if (answer === null) await this.#answerer.obey(line, turn)
    const comment = answer ?? guide?.obeyed(line) ?? null
    if (comment !== null) turn.say(comment)
    if (guide?.leaves) this.#leave()
  }

  #names(): readonly string[] {
    return this.#options.cluster?.nodes().map(({ id }) => id) ?? this.#answerer.known
  }
}
