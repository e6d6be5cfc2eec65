import { explain, isContradictory } from './explain.js'
import { type Operation, parseHistory } from './history.js'
import { type Before, initialStates } from './initial.js'
import { type SearchResult, search } from './search.js'

export type Verdict = 'linearizable' | 'violation' | 'undecided'

export interface CheckOptions {
  /** The contents of every key before the history began; `absent` if left out. */
  readonly before?: Before
  /** Steps spent on one key before it is left undecided; {@link defaultStepsPerKey} if left out. */
  readonly stepsPerKey?: number
  /** Bytes of memory spent on one key before it is left undecided; {@link defaultBytesPerKey} if left out. */
  readonly bytesPerKey?: number
}

/** Steps spent on one key; a step takes in the order of a microsecond. */
export const defaultStepsPerKey = 20_000_000

/** Bytes of memory spent on one key: well below Node's own limit. */
const defaultBytesPerKey = 512 * 1024 * 1024

/** A key whose operations no order explains. */
export interface Violation {
  readonly key: string
  /** The first operation, by its return, whose answer is impossible given all operations before it. */
  readonly impossible: Operation
  /** A few operations that are contradictory by themselves, given only {@link before}; in the order of their calls. */
  readonly window: readonly Operation[]
  /** The assumption about the key before the window. */
  readonly before: Before
  /** The window as a picture, and one sentence that says what is impossible. */
  readonly explanation: string
  /**
   * A legal order of the longest beginning that was explained: nearly always, of all operations before {@link
   * impossible}.
   */
  readonly order: readonly Operation[]
}

export interface CheckResult {
  /** The verdict; `undecided` when no key is in violation, but some key took more steps or memory than allowed. */
  readonly verdict: Verdict
  readonly operations: number
  readonly keys: number
  /** Operations tried, over all keys: the cost of the verdict. */
  readonly steps: number
  readonly violations: readonly Violation[]
  readonly undecidedKeys: readonly string[]
  /** The proof, key by key, for each key that is linearizable: a legal order of its operations. */
  readonly orders: ReadonlyMap<string, readonly Operation[]>
}

/**
 * Decides whether a history of a key-value store is linearizable: whether each operation can be given one moment
 * between its call and its return, so that all answers are those of a single copy that performs the operations one
 * by one at these moments (Herlihy and Wing 1990). An operation of unknown outcome may have its moment at any time
 * after its call, or none; a refused one has none.
 *
 * Linearizability is local: a history is linearizable if and only if it is so key by key, which is how it is checked.
 * For the cost see {@link search}; `undecided` is the answer when it is too high, never a guess. Throws a
 * `HistoryError` if a record is not an operation.
 */
export function checkHistory(history: Iterable<Operation>, options: CheckOptions = {}): CheckResult {
  const operations = parseHistory(history)
  const orders = new Map<string, readonly Operation[]>()
  const violations: Violation[] = []
  const undecidedKeys: string[] = []
  const byKey = groupByKey(operations)
  let steps = 0
  for (const [key, group] of byKey) {
    const result = checkKey(group, options)
    steps += result.steps
    if (result.verdict === 'linearizable') orders.set(key, result.order)
    else if (result.verdict === 'undecided') undecidedKeys.push(key)
    else violations.push(violationOf(key, group, result, options))
  }
  const verdict = violations.length > 0 ? 'violation' : undecidedKeys.length > 0 ? 'undecided' : 'linearizable'
  return { verdict, operations: operations.length, keys: byKey.size, steps, violations, undecidedKeys, orders }
}

function groupByKey(operations: readonly Operation[]): Map<string, Operation[]> {
  const groups = new Map<string, Operation[]>()
  for (const operation of operations) {
    const group = groups.get(operation.command.key)
    if (group) group.push(operation)
    else groups.set(operation.command.key, [operation])
  }
  return groups
}

function checkKey(
  operations: readonly Operation[],
  { before = 'absent', stepsPerKey: steps = defaultStepsPerKey, bytesPerKey: bytes = defaultBytesPerKey }: CheckOptions,
): SearchResult {
  const states = initialStates(before, operations)
  if (states === undefined) return { verdict: 'undecided', steps: 0 }
  return search(operations, states, { steps, bytes }, (suspected) => isContradictory(operations, suspected, before))
}

type Failed = Extract<SearchResult, { verdict: 'violation' }>

function violationOf(
  key: string,
  operations: readonly Operation[],
  { suspected, order }: Failed,
  { before = 'absent' }: CheckOptions,
): Violation {
  return { key, order, ...explain(operations, suspected, before) }
}
