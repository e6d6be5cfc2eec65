import { isDeepStrictEqual } from 'node:util'
import { type Command, isObject, type NodeId, type Outcome } from '../../contracts.js'
import { parseLine } from '../../words.js'
import { checkHistory } from '../linearizability/index.js'
import { History } from '../simulation/client.js'
import { SeededRandom } from '../simulation/random.js'
import { Cast } from './cast.js'
import { judgeCompaction } from './compaction.js'
import { describeOutcome, formatExpectations, judge, type Mark } from './expectation.js'
import { type Finding, judgeLeadership } from './leadership.js'
import { textOf, withNodes } from './line-text.js'
import { type LoadCounts, startLoad } from './load.js'
import { commandOf, handingOver, judgeMembers, operator } from './members.js'
import { checkPlayable, nodesOfFault, pinOf } from './playable.js'
import { differences, judgeHeld } from './replicas.js'
import {
  type Call,
  type Change,
  type Compaction,
  called,
  type Driver,
  type Expectation,
  type HandOver,
  type Load,
  type MembersSaid,
  type Played,
  type Raw,
  type RawConnection,
  type Scenario,
  type Statement,
  type Subject,
} from './scenario.js'
import { Sessions } from './sessions.js'
import { type Entry, tell, verdictOf } from './transcript.js'
import { judgeUncommitted } from './uncommitted.js'

/**
 * Plays a scenario against a stage, or another engine, to its end even if a line goes wrong, and judges it.
 *
 * @throws NotationError, before the play begins, if a line names what the stage or the cluster does not have
 */
export async function play(scenario: Scenario, stage: Subject, driver: Driver, seed = 1): Promise<Played> {
  const played = await new Play(scenario, stage, driver, seed).run()
  return { scenario, stage: stage.number, driver: driver.name, fingerprint: null, ...played }
}

/** The last call of a client. */
interface Last {
  readonly command: Command
  asked: ReturnType<History['asked']> | null
}

class Play {
  readonly #scenario: Scenario
  readonly #stage: Subject
  readonly #driver: Driver
  readonly #random: SeededRandom
  readonly #cast: Cast
  readonly #history = new History()
  readonly #connections = new Map<string, RawConnection>()
  /** The last command of each client. */
  readonly #last = new Map<string, Last>()
  readonly #sessions = new Sessions()
  #underWay = 0

  constructor(scenario: Scenario, stage: Subject, driver: Driver, seed: number) {
    this.#scenario = scenario
    this.#stage = stage
    this.#driver = driver
    this.#random = new SeededRandom(seed)
    this.#cast = new Cast(driver, this.#random)
  }

  async run() {
    const { statements } = this.#scenario
    checkPlayable(this.#scenario, this.#stage, this.#driver)
    const entries = await this.#playAll(statements, '1')
    await this.#answered()
    for (const accident of this.#driver.accidents) {
      const entry = newEntry('every node goes on', false)
      entries.push({ ...entry, outcome: accident, mark: 'violated', expected: 'nothing of the kind' })
    }
    return tell(this.#scenario, called(this.#stage), this.#driver.place, entries)
  }

  async #playAll(statements: readonly Statement[], round: string): Promise<Entry[]> {
    const entries: Entry[] = []
    for (const statement of statements) {
      const text = textOf(statement).replaceAll('$round', round)
      const entry = newEntry(text, statement.kind === 'comment')
      entries.push(entry)
      if (statement.kind === 'comment') continue
      this.#driver.tell?.({ event: 'step', line: text })
      await this.#perform(statement, entry, round)
    }
    return entries
  }

  async #perform(statement: Exclude<Statement, { kind: 'comment' }>, entry: Entry, round: string): Promise<void> {
    switch (statement.kind) {
      case 'fault':
        return this.#fault(statement, entry)
      case 'name':
        return this.#name(statement, entry)
      case 'delay':
      case 'lose':
      case 'double':
      case 'wait':
        return this.#weather(statement)
      case 'settle':
        return this.#settle(entry)
      case 'all equal':
        return this.#compare(entry)
      case 'all hold':
        return this.#found(entry, judgeHeld(statement, this.#driver))
      case 'one leader':
      case 'new leader':
      case 'same leader':
      case 'no leader':
      case 'no leader known':
        return this.#found(entry, judgeLeadership(statement, this.#cast, this.#driver))
      case 'uncommitted on a majority':
        return this.#found(entry, judgeUncommitted(statement, this.#driver))
      case 'logs under':
      case 'has a snapshot':
        return this.#compaction(statement, entry)
      case 'change':
      case 'hand over':
        return this.#order(statement, entry)
      case 'voters':
      case 'learners':
      case 'change under way':
        return this.#members(statement, entry)
      case 'load':
        return this.#load(statement, entry)
      case 'linearizable':
        return this.#checkHistory(entry)
      case 'opens':
        return this.#open(statement.client, entry)
      case 'call':
        return this.#call(statement, entry, round)
      case 'repeat':
        return this.#repeat(statement, entry)
      default:
        return this.#raw(statement, entry)
    }
  }

  /** Changes the network, or lets time pass in it. */
  async #weather(statement: Extract<Statement, { kind: 'delay' | 'lose' | 'double' | 'wait' }>): Promise<void> {
    if (statement.kind === 'delay') return this.#driver.delay(statement.delay)
    if (statement.kind === 'wait') return this.#driver.wait(statement.ms)
    return this.#driver.chance!(statement.kind, statement.part)
  }

  /** Marks an entry. Where the scenario promises service itself, an unavailable line is a violation. */
  #judged(entry: Entry, mark: Mark, expected = ''): void {
    entry.mark = mark === 'unavailable' && this.#scenario.servicePromised ? 'violated' : mark
    entry.expected = expected
    if (entry.mark !== 'fine') this.#driver.tell?.({ event: 'judged', line: entry.text, expected, ...pick(entry) })
  }

  /**
   * Finds the nodes that a line means, and adds them to its text; null if a word means no node, and the line is not
   * done.
   */
  async #find(words: readonly string[], entry: Entry): Promise<readonly NodeId[] | null> {
    const nodes = await this.#cast.find(words)
    if (nodes === null) {
      entry.outcome = 'there is no such node'
      this.#judged(entry, 'unavailable')
    } else if (nodes.join(' ') !== words.join(' ')) {
      entry.text = withNodes(entry.text, words, nodes)
    }
    return nodes
  }

  async #fault({ fault }: Extract<Statement, { kind: 'fault' }>, entry: Entry): Promise<void> {
    const nodes = await this.#find(nodesOfFault(fault), entry)
    if (nodes === null) return
    if (fault.word === 'heal') return this.#driver.perform(fault)
    if (fault.word === 'cut') return this.#driver.perform({ ...fault, from: nodes[0]!, to: nodes[1]! })
    return this.#driver.perform({ ...fault, nodes })
  }

  async #name({ names, words }: Extract<Statement, { kind: 'name' }>, entry: Entry): Promise<void> {
    const nodes = await this.#find(words, entry)
    if (nodes !== null) this.#cast.name(names, nodes)
  }

  /** Writes down what a look has found. */
  async #found(entry: Entry, looking: Promise<Finding>): Promise<void> {
    const { outcome, mark, expected } = await looking
    entry.outcome = outcome
    this.#judged(entry, mark, expected)
  }

  async #compaction(statement: Compaction, entry: Entry): Promise<void> {
    const nodes = statement.kind === 'has a snapshot' ? await this.#find([statement.word], entry) : []
    if (nodes === null) return
    await this.#found(entry, judgeCompaction(statement, nodes[0], this.#driver))
  }

  async #members(statement: MembersSaid, entry: Entry): Promise<void> {
    const nodes = await this.#find(statement.words, entry)
    if (nodes === null) return
    await this.#found(entry, judgeMembers(statement, nodes, this.#driver))
  }

  /** The operator asks for a change of members, or for a hand-over. */
  async #order(order: Change | HandOver, entry: Entry): Promise<void> {
    const nodes = await this.#find(order.words, entry)
    if (nodes === null) return
    const addresses = nodes.map((node) => this.#driver.address(node))
    const command = order.kind === 'change' ? commandOf(order, addresses) : handingOver(nodes[0])
    const ended = this.#asks(operator.name, command, null, order.expected, entry)
    if (!order.background) await this.#driver.until(ended)
  }

  /** @param again the same call, when it was asked before; then both are one in the history */
  #ask(client: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void, again?: Last): void {
    this.#underWay++
    const isNumbered = 'session' in command
    const known = isNumbered ? again?.asked : undefined
    const asked = isChecked(command) ? (known ?? this.#history.asked(client, command, at, this.#driver.now())) : null
    const last = this.#last.get(client)
    if (last?.command === command) last.asked = asked
    this.#driver.call(client, command, at, (outcome) => {
      this.#underWay--
      // A call of a session may be asked again: as long as its outcome is unknown, it has none in the history.
      const isOpen = isNumbered && outcome.outcome === 'unknown'
      if (asked && !isOpen) this.#history.answered(asked, outcome, this.#driver.now())
      settle(outcome)
    })
  }

  /** Waits for all answers; every call ends at its deadline at the latest. */
  #answered(): Promise<void> {
    return this.#driver.until(() => this.#underWay === 0)
  }

  async #call(call: Call, entry: Entry, round: string): Promise<void> {
    const { client, words, fields, background, expected } = call
    const pinned = await this.#find(pinOf(call) ?? [], entry)
    if (pinned === null) return
    const again = words === 'again' ? this.#last.get(client)! : undefined
    const last = again ?? {
      command: this.#sessions.numbered(client, { ...this.#line(words, round).command, ...fields }, this.#stage),
      asked: null,
    }
    this.#last.set(client, last)
    const at = pinned[0] ?? null
    const wanted = expected.map((one) => inRound(one, round))
    const ended = this.#asks(client, last.command, at, wanted, entry, again)
    if (!background) await this.#driver.until(ended)
  }

  /** Opens a session, where there are any. */
  async #open(client: string, entry: Entry): Promise<void> {
    if (!this.#stage.commands.open_session) {
      entry.outcome = 'there are none at this stage'
      return
    }
    let ended = false
    this.#ask(client, { command: 'open_session' }, null, (outcome) => {
      ended = true
      if (outcome.outcome === 'done') this.#sessions.opened(client, outcome.answer.session)
      else this.#judged(entry, 'unavailable', 'done')
      entry.outcome = describeOutcome({ command: 'open_session' }, outcome)
    })
    await this.#driver.until(() => ended)
  }

  /** Makes a call, and judges its answer when it comes. @returns a function that tells whether it has come */
  #asks(
    client: string,
    command: Command,
    at: NodeId | null,
    wanted: readonly Expectation[],
    entry: Entry,
    again?: Last,
  ) {
    let settled = false
    const settle = (outcome: Outcome) => {
      settled = true
      entry.outcome = describeOutcome(command, outcome)
      this.#judged(entry, judge(outcome, wanted), formatExpectations(wanted))
    }
    this.#ask(client, command, at, settle, again)
    return () => settled
  }

  #line(words: string, round: string) {
    return parseLine(words.replaceAll('$round', round), this.#stage.commands)
  }

  async #repeat({ times, body }: Extract<Statement, { kind: 'repeat' }>, entry: Entry): Promise<void> {
    for (let round = 1; round <= Math.min(times, this.#driver.mostRounds); round++) {
      const entries = await this.#playAll(body, String(round))
      entry.rounds.push(entries)
      if (verdictOf(entries) === 'violated') return
    }
  }

  async #settle(entry: Entry): Promise<void> {
    await this.#answered()
    if (await this.#driver.settle()) return
    entry.outcome = 'no rest'
    this.#judged(entry, 'unavailable', 'the nodes to come to rest')
  }

  async #compare(entry: Entry): Promise<void> {
    entry.detail = differences(await this.#driver.look())
    if (entry.detail.length === 0) return
    entry.outcome = 'they differ'
    this.#judged(entry, 'violated', 'the same everywhere')
  }

  async #load(load: Load, entry: Entry): Promise<void> {
    this.#underWay++
    const counts = startLoad(this.#random.fork(), load, {
      ask: (client, command, settle) => this.#ask(client, command, null, settle),
      hangUp: (client) => this.#driver.hangUp(client),
      after: (ms, task) => this.#driver.after(ms, task),
      over: (counts) => {
        this.#underWay--
        this.#loaded(load, counts, entry)
      },
    })
    if (!load.background) await this.#driver.until(() => counts.open === 0)
  }

  #loaded({ isWhole }: Load, counts: LoadCounts, entry: Entry): void {
    entry.outcome = `${counts.done} done, ${counts.refused} refused, ${counts.unknown} unknown`
    if (counts.done === 0) this.#judged(entry, 'unavailable', 'some of it done')
    else if (isWhole && counts.lost > 0) this.#judged(entry, 'unavailable', 'no call lost')
  }

  async #checkHistory(entry: Entry): Promise<void> {
    await this.#answered()
    const { verdict, violations, operations } = checkHistory(this.#history.complete())
    entry.outcome = `${verdict === 'violation' ? 'not' : verdict === 'undecided' ? 'undecided' : 'yes'}, ${operations} calls`
    if (verdict === 'undecided') this.#judged(entry, 'unavailable', 'a verdict')
    if (verdict !== 'violation') return
    entry.detail = violations[0]!.explanation.split('\n')
    this.#judged(entry, 'violated', 'what a single copy could have answered')
  }

  /** Connects to the leader, which can do what the bytes ask for; without a leader, to the first node. */
  async #connect(name: string): Promise<RawConnection> {
    const leader = await this.#cast.leader()
    return this.#driver.connect!(name, leader?.node ?? this.#driver.nodes[0]!)
  }

  async #raw(statement: Raw, entry: Entry): Promise<void> {
    const connection = this.#connections.get(statement.connection) ?? (await this.#connect(statement.connection))
    this.#connections.set(statement.connection, connection)
    if (statement.kind === 'sends') return connection.send(statement)
    if (statement.kind === 'ends') return connection.end()
    if (statement.kind === 'is closed') {
      if (await connection.closed()) entry.outcome = 'yes'
      else this.#judged(entry, 'unavailable', 'the node to close it')
      return
    }
    const message = await connection.receive()
    entry.outcome = message === undefined ? 'nothing' : JSON.stringify(message)
    const fits = message !== undefined && includes(message, statement.message)
    const mark = message === undefined ? 'unavailable' : 'violated'
    if (!fits) this.#judged(entry, mark, JSON.stringify(statement.message))
  }
}

/** A stale answer is old as it should be: no single copy need explain it. */
function isChecked(command: Command): boolean {
  return 'key' in command && command.consistency !== 'stale'
}

const pick = ({ outcome, mark }: Entry) => ({ outcome, mark })

function newEntry(text: string, comment: boolean): Entry {
  return { text, comment, outcome: '', mark: 'fine', expected: '', detail: [], rounds: [] }
}

function inRound(expected: Expectation, round: string): Expectation {
  if (expected.kind !== 'value' || expected.value === null) return expected
  return { ...expected, value: expected.value.replaceAll('$round', round) }
}

/** Checks that `whole` has everything in `part`; it may have more fields. */
function includes(whole: unknown, part: unknown): boolean {
  if (!isObject(part)) return isDeepStrictEqual(whole, part)
  return isObject(whole) && Object.entries(part).every(([name, value]) => includes(whole[name], value))
}
