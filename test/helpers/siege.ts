import { Client } from '../../client/client.js'
import type { Command } from '../../src/contracts.js'
import { type CheckResult, checkHistory } from '../../src/proof/linearizability/index.js'
import { type Asked, History } from '../../src/proof/simulation/client.js'
import { SeededRandom } from '../../src/proof/simulation/random.js'

/** A breath between two calls of a client: the load is there to be right about, not to fill the machine. */
const breathMs = 15
const deadlineMs = 4_000
/** A cluster that ends no call for so long fails its test; a slow one on a busy machine does not. */
const patienceMs = 120_000
const keys = 12

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
  readonly #watchers = new Set<() => void>()
  /** Keys of the trails whose writing was acknowledged. */
  readonly acknowledged = new Set<string>()
  readonly counts = { done: 0, refused: 0, unknown: 0 }
  #over = false

  constructor(addresses: readonly string[], clients: number, seed: number) {
    this.#addresses = addresses
    this.#random = new SeededRandom(seed)
    for (let at = 1; at <= clients; at++) this.#sessions.push(this.#session(`c${at}`))
  }

  async #session(name: string): Promise<void> {
    const client = new Client({ addresses: this.#addresses, deadlineMs })
    this.#clients.push(client)
    for (let step = 1; !this.#over; step++) {
      const trail = step % 4 === 0 ? `trail-${name}-${step}` : null
      const command = trail ? { command: 'set', key: trail, value: name } : this.#contend(`${name}.${step}`)
      const asked = this.#history.asked(name, command, null, performance.now())
      const outcome = await client.call(command)
      this.#history.answered(asked, outcome, performance.now())
      if (trail && outcome.outcome === 'done') this.acknowledged.add(trail)
      this.counts[outcome.outcome]++
      for (const watcher of this.#watchers) watcher()
      await new Promise((resolve) => setTimeout(resolve, breathMs))
    }
  }

  #contend(value: string): Command {
    const key = `k${this.#random.between(1, keys)}`
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

  /** Ends the load; what was acknowledged and is not there, and what the checker makes of the history. */
  async end(): Promise<{ missing: string[]; history: CheckResult; operations: readonly Asked[] }> {
    this.#over = true
    await Promise.all(this.#sessions)
    await this.stop()
    await using client = new Client({ addresses: this.#addresses, deadlineMs: 15_000 })
    const missing: string[] = []
    for (const key of this.acknowledged) if ((await client.get(key)) === null) missing.push(key)
    const operations = this.#history.complete()
    return { missing, history: checkHistory(operations), operations }
  }
}
