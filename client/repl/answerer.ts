import { type Event, failure, type Outcome, type Traced } from '../../src/contracts.js'
import { exitCodes } from '../../src/server/exits.js'
import { isFaultWord } from '../../src/server/faults.js'
import { isHostWord } from '../../src/server/hosts/host-words.js'
import { stages } from '../../stages/index.js'
import type { Client } from '../client.js'
import {
  type CatchingUp,
  type ChangeSettings,
  changeMembers,
  isChange,
  oncePerRound,
} from '../cluster/change-members.js'
import { isMemberWord, type MemberWords } from '../cluster/membership.js'
import { isRestartAll, restartAll, supervised } from '../cluster/restart-all.js'
import { checkFile, describeCheck } from '../commands/check.js'
import type { RunningCluster } from '../engine/cluster.js'
import { describeOutcome, exitCode } from '../text/answers.js'
import { colour } from '../text/colour.js'
import { describeBar, describeEvent } from '../text/events.js'
import { type Folders, logTable, oneLog } from '../text/log-table.js'
import { nodeNames, statusTable, whoLeads } from '../text/status.js'
import { parseLine, UsageError } from '../text/words.js'
import { nameRoles, performFault } from './fault-words.js'
import { type Abilities, describeUnknown, describeWords, isKnown, meant } from './repl-words.js'
import { Session } from './session.js'
import { isTimeWord, Pace } from './time-words.js'

/** Words that a person types, as an answerer needs them: whom to ask, and what may be done to the cluster. */
export interface AnswererOptions extends Abilities {
  readonly client: Client
  readonly addresses: readonly string[]
  /** The cluster, if it was started here: then the fault words work. */
  readonly cluster?: RunningCluster
  /** Gives the folders of the nodes' logs, if the logs are in files. */
  readonly folders?: () => Folders
  /** The reason why no logs are in files, where none are. */
  readonly withoutLogs?: string
  /** Adds and removes nodes of the cluster, where members change. */
  readonly membership?: MemberWords
  /** Hears of each call with its outcome, and of each fault that was done, if somebody looks on. */
  readonly hear?: (event: Traced) => void
}

/** One line that is being answered. */
export interface Turn {
  readonly signal: AbortSignal
  /** The name of who asks, for somebody who looks on. */
  readonly client: string
  /** Columns of a line of the answer. */
  readonly columns: number
  /** Says the milliseconds that a call took. */
  readonly tellsTime: boolean
  /** Prints a text, unless the waiting was ended. */
  readonly say: (text: string) => void
  /** Shows the progress of a change, in place of the one shown before; left out where texts only follow each other. */
  readonly notice?: (text: string) => void
  /** Notes the exit code of what was not done. */
  readonly fail: (code: number) => void
  /** Ends the session. */
  readonly leave: () => void
}

/** Answers lines of words and commands, typed at a prompt or on a page: one parser and one history for both. */
export class Answerer {
  readonly #options: AnswererOptions
  readonly #session: Session
  readonly #pace: Pace | null
  /** Names of nodes that are known, where the cluster was not started here. */
  known: readonly string[] = []

  constructor(options: AnswererOptions) {
    this.#options = options
    this.#session = new Session(Object.keys(options.shapes))
    this.#pace = options.cluster ? new Pace(options.cluster) : null
  }

  get session(): Session {
    return this.#session
  }

  /** Answers one line. @throws UsageError if it is none, ConfigError if it cannot be done */
  async obey(line: string, turn: Turn): Promise<void> {
    const [typed = '', ...words] = line.split(/\s+/)
    const word = meant(typed, this.#options)
    const rest = line.slice(typed.length).trim()
    if (word === '' || word.startsWith('#')) return
    if (word === 'exit') return turn.leave()
    if (word === 'help') return turn.say(describeWords(words[0], this.#options))
    if (word === 'status') return turn.say(await statusTable(this.#options, turn.columns))
    if (word === 'log') return turn.say(await this.#log(await this.#name(words.join(' '))))
    if (word === 'check') return turn.say(rest === '' ? this.#session.check() : describeCheck(await checkFile(rest)))
    if (word === 'save' || word === 'save!') return turn.say(this.#session.save(rest, word === 'save!'))
    if (isTimeWord(word)) return this.#time(`${word} ${rest}`, turn)
    if (isFaultWord(word) || isHostWord(word)) return this.#fault(`${word} ${rest}`, turn)
    if (isMemberWord(word)) return this.#comeAndGo(`${word} ${rest}`, turn)
    if (!isKnown(word, this.#options)) throw new UsageError(describeUnknown(typed, this.#options))
    return this.#ask(`${word}${line.slice(typed.length)}`, turn)
  }

  async #ask(line: string, turn: Turn): Promise<void> {
    const named = /^(transfer_leader|promote|demote) /.test(line) ? await this.#name(line) : line
    const { command, at } = parseLine(named, this.#options.shapes)
    if (isChange(command) && at === null) {
      const asked = this.#options.membership?.fillIn(command) ?? command
      return this.#change((how) => changeMembers(this.#options.client, asked, how), turn)
    }
    const settings = at === null ? {} : { at: await this.#addressOf(at) }
    this.#options.hear?.({ event: 'asked', client: turn.client, command, to: at })
    const started = performance.now()
    const leave = () => this.#session.record(command, noAnswer, started, performance.now())
    turn.signal.addEventListener('abort', leave)
    const outcome = await this.#options.client.call(command, settings)
    this.#options.hear?.({ event: 'outcome', client: turn.client, ...outcome })
    if (turn.signal.aborted) return
    turn.signal.removeEventListener('abort', leave)
    const ended = performance.now()
    this.#session.record(command, outcome, started, ended)
    const took = turn.tellsTime ? colour.dim(`  (${(ended - started).toFixed(1)} ms)`) : ''
    turn.say(`${describeOutcome(command, outcome)}${took}`)
    if (exitCode(outcome) !== exitCodes.done) turn.fail(exitCode(outcome))
  }

  /** Waits for a change of members, and shows its progress. */
  async #change(perform: (how: ChangeSettings) => Promise<Outcome>, turn: Turn): Promise<void> {
    const { signal, say, notice } = turn
    const show = notice
      ? (events: readonly CatchingUp[]) => notice(events.map(describeBar).join('  '))
      : oncePerRound((event) => say(describeEvent(event)))
    const outcome = await perform({ onProgress: show, signal })
    if (signal.aborted) return
    say(describeOutcome({ command: 'reconfigure' }, outcome))
    if (exitCode(outcome) !== exitCodes.done) turn.fail(exitCode(outcome))
  }

  async #comeAndGo(line: string, turn: Turn): Promise<void> {
    const { membership } = this.#options
    if (!membership)
      throw new UsageError(
        '`add` and `remove` are words of `run`, from stage 8 on; elsewhere `add_node`, `remove_node`',
      )
    for (const one of membership.eachOf(await this.#name(line))) {
      if (turn.signal.aborted) return
      await this.#change((how) => membership.perform(one, (event) => this.#tell(event, turn), how), turn)
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
    this.known = [...names.keys()]
    const address = names.get(asked) ?? (asked === 'leader' ? (await whoLeads(this.#options)).address : undefined)
    if (!address) throw new UsageError(`no node ${name} is known; there are ${[...names.keys()].join(', ') || 'none'}`)
    return address
  }

  async #fault(line: string, turn: Turn): Promise<void> {
    const { cluster } = this.#options
    if (!cluster) throw new UsageError(startedElsewhere)
    const tell = (event: Event) => this.#tell(event, turn)
    if (isRestartAll(line)) return restartAll(supervised(cluster), tell, turn.signal)
    for (const event of await performFault(cluster, line)) {
      if (event.event === 'refused') turn.fail(exitCodes.usage)
      tell(event)
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

  async #time(line: string, turn: Turn): Promise<void> {
    if (!this.#pace) throw new UsageError(startedElsewhere)
    for (const event of await this.#pace.perform(await this.#name(line))) this.#tell(event, turn)
  }

  #tell(event: Event, { say }: Turn): void {
    this.#options.hear?.(event)
    say(describeEvent(event))
  }
}

const startedElsewhere = 'this cluster was not started here: use the `run` that started it'

const firstWithLog = stages.find(({ keeps }) => keeps !== 'nothing')!.number

/** The sentence for a person who waits no more. */
export const givenUp = 'nobody waits for it any more; it may still happen, as `status` or `get` will show'

const noAnswer: Outcome = { outcome: 'unknown', error: failure('timeout', givenUp).error }
