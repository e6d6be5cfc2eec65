import { isDeepStrictEqual } from 'node:util'
import { type Command, isObject, type NodeId, type Outcome } from '../contracts.js'
import { checkHistory } from '../linearizability/index.js'
import { History } from '../simulation/client.js'
import { SeededRandom } from '../simulation/random.js'
import type { Stage } from '../stage.js'
import { parseLine } from '../words.js'
import { describeOutcome, formatExpectations, judge, type Mark } from './expectation.js'
import { startLoad } from './load.js'
import { checkPlayable } from './playable.js'
import { differences } from './replicas.js'
import type { Call, Driver, Expectation, Played, Raw, RawConnection, Scenario, Statement } from './scenario.js'
import { type Entry, tell, verdictOf } from './transcript.js'

/**
 * Plays a scenario against a stage, to its end even when something is wrong on the way, and judges it.
 *
 * @throws NotationError, before anything is done, if a line names what the stage or the cluster does not have
 */
export async function play(scenario: Scenario, stage: Stage, driver: Driver, seed = 1): Promise<Played> {
  const played = await new Play(scenario, stage, driver, seed).run()
  return { scenario, stage: stage.number, driver: driver.name, ...played }
}

class Play {
  readonly #scenario: Scenario
  readonly #stage: Stage
  readonly #driver: Driver
  readonly #random: SeededRandom
  readonly #history = new History()
  readonly #connections = new Map<string, RawConnection>()
  /** What each client asked last. */
  readonly #last = new Map<string, { command: Command; at: NodeId | null }>()
  #underWay = 0

  constructor(scenario: Scenario, stage: Stage, driver: Driver, seed: number) {
    this.#scenario = scenario
    this.#stage = stage
    this.#driver = driver
    this.#random = new SeededRandom(seed)
  }

  async run() {
    const { statements } = this.#scenario
    checkPlayable(this.#scenario, this.#stage, this.#driver)
    const entries = await this.#playAll(statements, '1')
    await this.#answered()
    return tell(this.#scenario, this.#stage.number, this.#driver.place, entries)
  }

  async #playAll(statements: readonly Statement[], round: string): Promise<Entry[]> {
    const entries: Entry[] = []
    for (const statement of statements) {
      const text = textOf(statement).replaceAll('$round', round)
      const comment = statement.kind === 'comment'
      const entry: Entry = { text, comment, outcome: '', mark: 'fine', expected: '', detail: [], rounds: [] }
      entries.push(entry)
      await this.#perform(statement, entry, round)
    }
    return entries
  }

  async #perform(statement: Statement, entry: Entry, round: string): Promise<void> {
    switch (statement.kind) {
      case 'comment':
        return
      case 'fault':
        return this.#driver.perform(statement.fault)
      case 'delay':
        return this.#driver.delay(statement.delay)
      case 'wait':
        return this.#driver.wait(statement.ms)
      case 'settle':
        return this.#settle(entry)
      case 'all equal':
        return this.#compare(entry)
      case 'load':
        return this.#load(statement, entry)
      case 'linearizable':
        return this.#checkHistory(entry)
      case 'call':
        return this.#call(statement, entry, round)
      case 'repeat':
        return this.#repeat(statement, entry)
      default:
        return this.#raw(statement, entry)
    }
  }

  /** Where service itself is promised, what is not done is a violation. */
  #judged(entry: Entry, mark: Mark, expected = ''): void {
    entry.mark = mark === 'unavailable' && this.#scenario.servicePromised ? 'violated' : mark
    entry.expected = expected
  }

  #ask(client: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void {
    this.#underWay++
    const asked = 'key' in command ? this.#history.asked(client, command, at, this.#driver.now()) : null
    this.#driver.call(client, command, at, (outcome) => {
      this.#underWay--
      if (asked) this.#history.answered(asked, outcome, this.#driver.now())
      settle(outcome)
    })
  }

  /** Every call ends at its deadline at the latest. */
  #answered(): Promise<void> {
    return this.#driver.until(() => this.#underWay === 0)
  }

  async #call({ client, words, background, expected }: Call, entry: Entry, round: string): Promise<void> {
    const { command, at } = words === 'again' ? this.#last.get(client)! : this.#line(words, round)
    this.#last.set(client, { command, at })
    const wanted = expected.map((one) => inRound(one, round))
    let settled = false
    this.#ask(client, command, at, (outcome) => {
      settled = true
      entry.outcome = describeOutcome(command, outcome)
      this.#judged(entry, judge(outcome, wanted), formatExpectations(wanted))
    })
    if (!background) await this.#driver.until(() => settled)
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

  async #load({ clients, calls }: Extract<Statement, { kind: 'load' }>, entry: Entry): Promise<void> {
    const counts = startLoad(this.#random.fork(), clients, calls, {
      ask: (client, command, settle) => this.#ask(client, command, null, settle),
      hangUp: (client) => this.#driver.hangUp(client),
    })
    await this.#driver.until(() => counts.open === 0)
    entry.outcome = `${counts.done} done, ${counts.refused} refused, ${counts.unknown} unknown`
    if (counts.done === 0) this.#judged(entry, 'unavailable', 'some of it done')
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

  async #raw(statement: Raw, entry: Entry): Promise<void> {
    const connection = this.#connections.get(statement.connection) ?? this.#driver.connect!(statement.connection)
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

/** A line as it is shown: an expectation is shown only where it was not met. */
function textOf(statement: Statement): string {
  if (statement.kind === 'receives') return `${statement.connection} receives`
  if (statement.kind !== 'call') return statement.text
  return `${statement.client} ${statement.words}${statement.background ? ' &' : ''}`
}

function inRound(expected: Expectation, round: string): Expectation {
  if (expected.kind !== 'value' || expected.value === null) return expected
  return { ...expected, value: expected.value.replaceAll('$round', round) }
}

/** Whether everything in `part` is in `whole`; the whole may have more fields. */
function includes(whole: unknown, part: unknown): boolean {
  if (!isObject(part)) return isDeepStrictEqual(whole, part)
  return isObject(whole) && Object.entries(part).every(([name, value]) => includes(whole[name], value))
}
