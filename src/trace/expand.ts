import type { EntryId } from '../ids.js'
import type { TracedEntry } from './events.js'
import type { TraceLine } from './fold.js'

/** Steps that one line may stand for. */
const mostSteps = 1_000_000

/** A line whose short forms stand for no steps. */
export class NoSuchStepsError extends Error {
  constructor() {
    super('the short forms of a line stand for no steps')
  }
}

/**
 * Expands the lines of a trace: what format 2 tells shortly becomes what format 1 tells. So nothing else has to know two
 * formats. Lines come in their order, because a state may be told as what has changed since the one before.
 */
export class Expander {
  readonly #states = new Map<unknown, TraceLine>()

  /** Gives the lines that a line stands for; one without short forms as it is. @throws NoSuchStepsError */
  expand(line: TraceLine): readonly TraceLine[] {
    if (line.event === 'state') this.#states.set(line.node, line)
    return line.event === 'changed' ? this.#stateOf(line) : expanded(line)
  }

  /** Completes a state. A change of what nobody has told says nothing. */
  #stateOf(line: TraceLine): readonly TraceLine[] {
    const before = this.#states.get(line.node)
    if (!before) return []
    const state = { ...before, ...line, event: 'state' }
    this.#states.set(line.node, state)
    return [state]
  }
}

function expanded(line: TraceLine): readonly TraceLine[] {
  if (line.event === 'apply' && line.from !== undefined) {
    const { from, to, ...rest } = line
    return range(from, to).map((index) => ({ ...rest, index }))
  }
  if (line.event === 'answer' && line.requests !== undefined) {
    const { requests, ...rest } = line
    return listOf(requests).map((request) => ({ ...rest, request }))
  }
  if (line.event === 'write') return [{ ...line, records: listOf(line.records).flatMap(recordsIn) }]
  const { message } = line
  if (!isRecord(message) || !Array.isArray(message.entries)) return [line]
  return [{ ...line, message: { ...message, entries: message.entries.flatMap(entriesIn) } }]
}

/** Expands a run of entries, `[first, last, term]`. An entry that stands alone is one of format 1. */
function entriesIn(run: unknown): readonly EntryId[] {
  if (!Array.isArray(run)) return [run as EntryId]
  const [first, last, term] = run
  return range(first, last).map((index) => ({ index, term }))
}

function recordsIn(record: unknown): readonly unknown[] {
  if (!isRecord(record) || record.record !== 'entries') return [record]
  const { index: first, term } = record as unknown as TracedEntry
  return listOf(record.what).map((what, at) => ({ record: 'entry', index: first + at, term, what }))
}

function range(first: unknown, last: unknown): number[] {
  const length = Number(last) - Number(first) + 1
  if (!Number.isSafeInteger(length) || length < 0 || length > mostSteps) throw new NoSuchStepsError()
  return Array.from({ length }, (_, at) => Number(first) + at)
}

function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new NoSuchStepsError()
  return value
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
