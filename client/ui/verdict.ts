import { isObject } from '../../src/contracts.js'
import { checkHistory, type Operation } from '../../src/proof/linearizability/index.js'
import type { TraceLine } from '../../src/trace/fold.js'
import { type Call, KeyHistory } from './key-history.js'

const judged: ReadonlySet<unknown> = new Set(['get', 'set', 'delete', 'append', 'cas'])
/** Steps that a verdict while a run goes on may take for a key. */
const steps = 50_000
/** Keys, and bytes of what was asked and answered, that are held at most. */
const [mostKeys, mostBytes] = [1_000, 8 * 1024 * 1024]

/**
 * A judge of the clients' calls while a run goes on: is there a single copy that could have answered so? It judges every
 * call, and holds only those that can still matter; the key that was asked for longest ago is begun anew, when there is no more room.
 */
export class RunningVerdict {
  #before: 'absent' | 'anything'
  /** The calls of each key, the key that was asked last at the end. */
  readonly #keys = new Map<string, KeyHistory>()
  /** The open calls of each client; null for one that is not judged. */
  readonly #open = new Map<string, (Call | null)[]>()
  /** Keys of which no verdict was found in time. */
  readonly #undecided = new Set<string>()
  #calls = 0
  #bytes = 0
  /** True when nothing more is judged: a violation was found, or too much is under way. */
  #isOver = false

  /** @param before what the store held when the run began */
  constructor(before: 'absent' | 'anything') {
    this.#before = before
  }

  /** The keys, the bytes and the clients' open calls that are held. */
  get held(): { readonly keys: number; readonly bytes: number; readonly clients: number } {
    return { keys: this.#keys.size, bytes: this.#bytes, clients: this.#open.size }
  }

  /** Takes an event; when a call has ended, gives the verdict so far. */
  take(line: TraceLine): TraceLine | null {
    const client = String(line.client)
    if (line.event === 'asked') return this.#asked(client, line)
    return line.event === 'outcome' ? this.#ended(client, line) : null
  }

  #asked(client: string, line: TraceLine): TraceLine | null {
    const call = this.#isOver ? null : callOf(client, line, this.#calls)
    this.#open.set(client, [...(this.#open.get(client) ?? []), call])
    if (!call) return null
    this.#calls++
    const history = this.#historyOf(call.key)
    this.#changing(history, () => history.add(call))
    return this.#makeRoom(history) ? null : this.#giveUp(line)
  }

  #ended(client: string, line: TraceLine): TraceLine | null {
    const [call, ...others] = this.#open.get(client) ?? []
    if (others.length > 0) this.#open.set(client, others)
    else this.#open.delete(client)
    const history = call && this.#keys.get(call.key)
    if (!history) return null
    const returned = Math.max(line.at ?? 0, call.operation.call)
    const { event: _event, client: _client, at: _at, node: _node, ...outcome } = line
    this.#changing(history, () => history.end(call, { ...call.operation, ...outcome, return: returned } as Operation))
    const verdict = this.#judge(call.key, history, line)
    this.#changing(history, () => history.forget())
    return verdict
  }

  #judge(key: string, { operations, before }: KeyHistory, { at }: TraceLine): TraceLine {
    const { verdict, violations } = checkHistory(operations, { before, stepsPerKey: steps })
    const [violation] = violations
    if (violation) return this.#end({ at, verdict, key, explanation: violation.explanation })
    if (verdict === 'undecided') this.#undecided.add(key)
    else this.#undecided.delete(key)
    return this.#verdict({ at, verdict: this.#undecided.size > 0 ? 'undecided' : 'linearizable' })
  }

  /** Finds the calls on a key, and notes that the key is asked now. */
  #historyOf(key: string): KeyHistory {
    const history = this.#keys.get(key) ?? new KeyHistory(this.#before)
    this.#keys.delete(key)
    this.#keys.set(key, history)
    return history
  }

  #changing(history: KeyHistory, change: () => void): void {
    this.#bytes -= history.bytes
    change()
    this.#bytes += history.bytes
  }

  /** Begins keys anew until there is room. @returns false if too much can still have an effect */
  #makeRoom(asked: KeyHistory): boolean {
    while (this.#keys.size > mostKeys || this.#bytes > mostBytes) {
      const key = this.#quietKey()
      if (key === undefined) return false
      this.#bytes -= this.#keys.get(key)!.bytes
      this.#keys.delete(key)
      this.#undecided.delete(key)
      this.#before = 'anything'
    }
    return !asked.isTooMuch
  }

  /** Finds the key that was asked for longest ago, of those of which nothing is under way. */
  #quietKey(): string | undefined {
    for (const [key, history] of this.#keys) if (history.isQuiet) return key
    return undefined
  }

  #giveUp({ at }: TraceLine): TraceLine {
    return this.#end({ at, verdict: 'undecided' })
  }

  /** Gives the last verdict, and lets go of everything. */
  #end(verdict: {
    readonly at?: number | undefined
    readonly verdict: string
    readonly [detail: string]: unknown
  }): TraceLine {
    this.#isOver = true
    this.#keys.clear()
    this.#bytes = 0
    return this.#verdict(verdict)
  }

  #verdict({
    at,
    ...verdict
  }: {
    readonly at?: number | undefined
    readonly verdict: string
    readonly [detail: string]: unknown
  }): TraceLine {
    return { event: 'verdict', ...verdict, calls: this.#calls, ...(at !== undefined && { at }) }
  }
}

/** Makes the call that is to be judged; null if an answer to it claims nothing. */
function callOf(client: string, { command, at = 0 }: TraceLine, id: number): Call | null {
  if (!isObject(command) || !judged.has(command.command) || command.consistency === 'stale') return null
  const { session: _session, sequence: _sequence, firstOutstanding: _first, ...plain } = command
  const operation = { client, id, command: plain, call: at, return: null, outcome: 'unknown' } as unknown as Operation
  return { operation, key: operation.command.key }
}
