import { isObject } from '../../src/contracts.js'
import { checkHistory, type Operation } from '../../src/proof/linearizability/index.js'
import type { TraceLine } from '../../src/trace/fold.js'

const judged: ReadonlySet<unknown> = new Set(['get', 'set', 'delete', 'append', 'cas'])
/** Steps that a verdict while a run goes on may take for a key. */
const steps = 200_000
/** Calls that are judged at most: a page is for looking, and not for loads. */
const mostCalls = 2_000

/** A judge of the clients' calls while a run goes on: is there a single copy that could have answered so? */
export class RunningVerdict {
  readonly #before: 'absent' | 'anything'
  readonly #operations: Operation[] = []
  /** Places of the open calls of each client. */
  readonly #open = new Map<string, number[]>()
  #isOver = false

  /** @param before what the store held when the run began */
  constructor(before: 'absent' | 'anything') {
    this.#before = before
  }

  /** Takes an event; when a call has ended, gives the verdict so far. */
  take(line: TraceLine): TraceLine | null {
    const client = String(line.client)
    if (line.event === 'asked') this.#asked(client, line)
    if (line.event !== 'outcome') return null
    const place = this.#open.get(client)?.shift()
    if (place === undefined || place < 0 || this.#isOver) return null
    this.#operations[place] = {
      ...this.#operations[place]!,
      ...(line as object),
      return: line.at ?? 0,
    } as Operation
    return this.#judge(line)
  }

  #asked(client: string, { command, at = 0 }: TraceLine): void {
    const isJudged = isObject(command) && judged.has(command.command) && command.consistency !== 'stale'
    const place = isJudged && this.#operations.length < mostCalls ? this.#operations.length : -1
    this.#open.set(client, [...(this.#open.get(client) ?? []), place])
    if (place < 0) return
    const { session: _, sequence: _s, firstOutstanding: _f, ...plain } = command as Record<string, unknown>
    this.#operations.push({ client, id: place, command: plain, call: at, return: null, outcome: 'unknown' } as never)
  }

  #judge({ at }: TraceLine): TraceLine | null {
    const { verdict, violations } = checkHistory(this.#operations, { before: this.#before, stepsPerKey: steps })
    const [violation] = violations
    this.#isOver = violation !== undefined
    const more = violation ? { key: violation.key, explanation: violation.explanation } : {}
    return { event: 'verdict', verdict, ...more, calls: this.#operations.length, ...(at !== undefined && { at }) }
  }
}
