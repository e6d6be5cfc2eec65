import type { Test } from 'tap'
import { Client } from '../../client/client.js'
import type { ClientSettings } from '../../client/settings.js'
import type { Command } from '../../src/contracts.js'
import { type CheckResult, checkHistory } from '../../src/proof/linearizability/index.js'
import { type Asked, History } from '../../src/proof/simulation/client.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'

/** A breath between two calls of a client: the load is there to be right about, not to fill the machine. */
const breathMs = 15
/** A cluster that ends no call for so long fails its test; a slow one on a busy machine does not. */
const patienceMs = 120_000
const keys = 12
/** Keys to which all clients append. */
const journals = 6

/** How the clients of a siege call. */
export interface Habits {
  /** Milliseconds that a call may take. */
  readonly deadlineMs: number
  /** True if the clients append, and read at every node: for stages whose clients repeat a call, so that it happens once. */
  readonly appends: boolean
  /** Makes a client of another engine's nodes; one of ours if it is left out. */
  readonly clientOf?: (settings: ClientSettings) => Client
}

/** Clients of stages 6 to 8: they give a call up soon, and may not ask again. */
export const hasty: Habits = { deadlineMs: 4_000, appends: false }

/** Clients of stages from 9 on: they ask until they know the outcome, whatever happens to the cluster meanwhile. */
export const patient: Habits = { deadlineMs: 100_000, appends: true }

const ours = (settings: ClientSettings) => new Client(settings)

/**
 * Clients at work on a real cluster while things are done to it. Everything that they ask and are told is written down:
 * some keys are fought over, and the history of each must be linearizable; and every client leaves a trail of keys of its
 * own, each written once, all of which must be there in the end if their writing was acknowledged.
 */
export class Siege {
  readonly #addresses: readonly string[]
  readonly #history = new History()
  readonly #random: SeededRandom
  readonly #clients: Client[] = []
  readonly #sessions: Promise<void>[] = []
  readonly habits: Habits
  /** The beginning of every key. */
  readonly #prefix: string
  /** Words that were appended, and how each call ended. */
  readonly #appended = new Map<string, 'done' | 'refused' | 'unknown'>()
  readonly #watchers = new Set<() => void>()
  /** Keys of the trails whose writing was acknowledged. */
  readonly acknowledged = new Set<string>()
  readonly counts = { done: 0, refused: 0, unknown: 0 }
  /** Calls that were neither done nor refused for what the store holds, in words. */
  readonly lost: string[] = []
  /** Milliseconds from question to answer of the slowest call since it was set to 0. */
  longestMs = 0
  #over = false

  /** @param prefix the beginning of every key: a siege of a cluster that has seen another needs one of its own */
  constructor(addresses: readonly string[], clients: number, seed: number, habits: Habits = hasty, prefix = '') {
    this.#addresses = addresses
    this.habits = habits
    this.#prefix = prefix
    this.#random = new SeededRandom(seed)
    for (let at = 1; at <= clients; at++) this.#sessions.push(this.#session(`c${at}`, at))
  }

  async #session(name: string, at: number): Promise<void> {
    const { deadlineMs, appends, clientOf = ours } = this.habits
    const reads = appends && at % 2 === 0 ? 'any' : 'leader'
    const client = clientOf({ addresses: this.#addresses, deadlineMs, reads })
    this.#clients.push(client)
    for (let step = 1; !this.#over; step++) {
      const trail = step % 4 === 0 ? `${this.#prefix}trail-${name}-${step}` : null
      const command = trail ? { command: 'set', key: trail, value: name } : this.#contend(`${name}.${step}`)
      const began = performance.now()
      const asked = this.#history.asked(name, command, null, began)
      const outcome = await client.call(command)
      const ended = performance.now()
      this.#history.answered(asked, outcome, ended)
      this.longestMs = Math.max(this.longestMs, ended - began)
      if (outcome.outcome !== 'done' && outcome.error.code !== 'cas_mismatch')
        this.lost.push(`${name} ${command.command} ${outcome.outcome} ${outcome.error.code}: ${outcome.error.message}`)
      if (trail && outcome.outcome === 'done') this.acknowledged.add(trail)
      if (command.command === 'append') this.#appended.set(String(command.value), outcome.outcome)
      this.counts[outcome.outcome]++
      for (const watcher of this.#watchers) watcher()
      await new Promise((resolve) => setTimeout(resolve, breathMs))
    }
  }

  #contend(value: string): Command {
    if (this.habits.appends && this.#random.chance(0.4)) return this.#journal(value)
    const key = `${this.#prefix}k${this.#random.between(1, keys)}`
    const kind = this.#random.next()
    if (kind < 0.4) return { command: 'get', key }
    if (kind < 0.8) return { command: 'set', key, value }
    return {
      command: 'cas',
      key,
      expected: this.#random.chance(0.5) ? null : `c1.${this.#random.between(1, 200)}`,
      value,
    }
  }

  #journal(value: string): Command {
    const key = this.#journalKey(this.#random.between(1, journals))
    return this.#random.chance(0.3) ? { command: 'get', key } : { command: 'append', key, value: `${value};` }
  }

  #journalKey(at: number): string {
    return `${this.#prefix}journal-${at}`
  }

  /** Resolves when so many more calls are done: the cluster serves. */
  async served(calls: number): Promise<void> {
    await this.#more(calls, 'are done', () => this.counts.done)
  }

  /** Resolves when so many more calls have ended, however they ended: the clients have been at work for that long. */
  async settled(calls: number): Promise<void> {
    await this.#more(calls, 'have ended', () => this.counts.done + this.counts.refused + this.counts.unknown)
  }

  /** @throws Error if the count stands still for too long */
  async #more(calls: number, what: string, count: () => number): Promise<void> {
    const goal = count() + calls
    let last = count()
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(deadline)
        this.#watchers.delete(watcher)
        settle()
      }
      const watcher = () => {
        if (count() >= goal) return end(resolve)
        if (count() > last) deadline.refresh()
        last = count()
      }
      const deadline = setTimeout(() => {
        const why = `of ${calls} calls, ${calls - (goal - count())} ${what}, and none for ${patienceMs / 1_000} s`
        end(() => reject(new Error(why)))
      }, patienceMs)
      this.#watchers.add(watcher)
    })
  }

  /** Ends the load at once, whatever is under way. */
  async stop(): Promise<void> {
    this.#over = true
    for (const client of this.#clients) client.close()
    await Promise.all(this.#sessions)
  }

  /**
   * Ends the load; what was acknowledged and is not there, what was appended otherwise than it was told, and what the
   * checker makes of the history.
   */
  async end(): Promise<{
    missing: string[]
    miscounted: string[]
    history: CheckResult
    operations: readonly Asked[]
  }> {
    this.#over = true
    await Promise.all(this.#sessions)
    await this.stop()
    const { clientOf = ours } = this.habits
    await using client = clientOf({ addresses: this.#addresses, deadlineMs: 15_000 })
    const missing: string[] = []
    for (const key of this.acknowledged) if ((await client.get(key)) === null) missing.push(key)
    const miscounted = await this.#miscounted(client)
    const operations = this.#history.complete()
    return { missing, miscounted, history: checkHistory(operations), operations }
  }

  /** Lists appended words that are not there once if the call is done, or that are there though the call was refused. */
  async #miscounted(client: Client): Promise<string[]> {
    const times = new Map<string, number>()
    for (let at = 1; at <= journals; at++) {
      const words = (await client.get(this.#journalKey(at)))?.match(/[^;]*;/g) ?? []
      for (const word of words) times.set(word, (times.get(word) ?? 0) + 1)
    }
    const fits = (word: string, outcome: string) => {
      const found = times.get(word) ?? 0
      return outcome === 'unknown' ? found <= 1 : found === (outcome === 'done' ? 1 : 0)
    }
    return [...this.#appended]
      .filter(([word, outcome]) => !fits(word, outcome))
      .map(([word, outcome]) => `${word} ${outcome}, and there ${times.get(word) ?? 0} times`)
  }
}

/** Ends a siege, and holds what its clients saw against what the cluster promises. */
export async function judge(t: Test, siege: Siege): Promise<void> {
  const { missing, miscounted, history } = await siege.end()
  const { done, refused, unknown } = siege.counts
  t.comment(`${done} done, ${refused} refused, ${unknown} unknown; ${siege.acknowledged.size} acknowledged keys`)
  t.same(missing, [], 'every acknowledged write is there')
  t.equal(history.verdict, 'linearizable', history.violations[0]?.explanation ?? '')
  if (!siege.habits.appends) return
  t.equal(unknown, 0, 'every client was told the outcome of every call')
  t.same(miscounted, [], 'every value that was appended is there once')
}
