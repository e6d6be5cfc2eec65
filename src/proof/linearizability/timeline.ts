import type { Entry } from './entry.js'
import type { Operation } from './history.js'
import { isIrrelevant, isObservation, requiredState, resultingState } from './model.js'
import { Observers } from './observers.js'

export interface Moment {
  readonly entry: Entry
  readonly isCall: boolean
  /** Operations that the search forgets after this moment. */
  readonly closing: Entry[]
  /** Operations that move to their {@link Entry.unreadSort} after this moment. */
  readonly fading: Entry[]
}

/** The calls and returns of one key's operations, in order. */
export interface Timeline {
  readonly entries: readonly Entry[]
  readonly moments: readonly Moment[]
  /** Operations that are open at once, at most. */
  readonly slots: number
  readonly observers: Observers
}

/**
 * Puts one key's operations in order. At equal moments, calls come before returns: the operations overlap.
 *
 * Reduction: an unknown write is forgotten after the last answer that could still show it, and is ignored if there is
 * none. An order without the write from then on changes no answer.
 */
export function timelineOf(operations: readonly Operation[]): Timeline {
  const edges = orderedEdges(operations.filter((operation) => !isIrrelevant(operation)))
  const entries = entriesOf(edges)
  const observers = new Observers(entries)
  const moments = edges.map(
    ({ index, isCall }): Moment => ({ entry: entries[index]!, isCall, closing: [], fading: [] }),
  )
  for (const entry of entries) {
    entry.close = entry.optional ? observers.lastEffect(entry) : entry.return
    if (entry.close > entry.call) moments[entry.close]!.closing.push(entry)
  }
  const sorts = new Map<string, number>()
  for (const entry of entries) sort(entry, sorts, observers, moments)
  return { entries, moments, slots: assignSlots(moments), observers }
}

interface Edge {
  readonly operation: Operation
  readonly index: number
  readonly at: number
  readonly isCall: boolean
}

function orderedEdges(operations: readonly Operation[]): Edge[] {
  const edges: Edge[] = []
  for (const [index, operation] of operations.entries()) {
    edges.push({ operation, index, at: operation.call, isCall: true })
    if (!isOptional(operation)) edges.push({ operation, index, at: operation.return!, isCall: false })
  }
  return edges.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall))
}

/**
 * Checks whether an operation never returns. Explanations weaken an operation by taking its return away; a record with
 * an answer always has one.
 */
function isOptional(operation: Operation): boolean {
  return operation.outcome === 'unknown' || operation.return === null
}

/** Makes the entries, each at the index of its operation. */
function entriesOf(edges: readonly Edge[]): Entry[] {
  const calls: number[] = []
  const returns: number[] = []
  const operations: Operation[] = []
  for (const [position, { operation, index, isCall }] of edges.entries()) {
    operations[index] = operation
    if (isCall) calls[index] = position
    else returns[index] = position
  }
  return operations.map((operation, index) => entryOf(operation, calls[index]!, returns[index] ?? Infinity))
}

function entryOf(operation: Operation, call: number, returned: number): Entry {
  const { command, outcome, answer } = operation
  const optional = isOptional(operation)
  const hasRoom = command.command === 'append' && outcome === 'done'
  return {
    operation,
    kind: command.command,
    optional,
    observation: isObservation(operation),
    requires: requiredState(operation),
    results: resultingState(operation),
    room: hasRoom ? answer!.length! - command.value.length : undefined,
    sort: -1,
    unreadSort: -1,
    call,
    return: returned,
    close: returned,
    slot: -1,
  }
}

/**
 * Reduction: the result of an unknown write matters only by its length once no operation can read it, and not even by
 * its length after the last append. From then on, such writes are all of one sort.
 */
function sort(entry: Entry, sorts: Map<string, number>, observers: Observers, moments: readonly Moment[]): void {
  const { operation, optional, call, close } = entry
  const { command, outcome, answer } = operation
  const value = 'value' in command ? command.value : ''
  // An operation that may be left out, but not answer anything, is like no other.
  const exact = { value, answer: optional ? answer : undefined }
  entry.sort = numberOf(JSON.stringify([command.command, requiredState(operation), exact]), sorts)
  if (!optional || outcome === 'done') return
  const lastRead = Math.max(call, observers.lastReadOf(entry))
  const similar = { length: lastRead < observers.lastAppend ? value.length : 0 }
  entry.unreadSort = numberOf(JSON.stringify([command.command, requiredState(operation), similar]), sorts)
  if (call < lastRead && lastRead < close) moments[lastRead]!.fading.push(entry)
  if (lastRead === call) entry.sort = entry.unreadSort
}

function numberOf(text: string, numbers: Map<string, number>): number {
  const number = numbers.get(text) ?? numbers.size
  numbers.set(text, number)
  return number
}

/** Gives every operation a slot that is its own while it is open; slots are used again. */
function assignSlots(moments: readonly Moment[]): number {
  const free: number[] = []
  let slots = 0
  for (const [position, { entry, isCall, closing }] of moments.entries()) {
    if (isCall && entry.close > position) entry.slot = free.pop() ?? slots++
    for (const closed of closing) free.push(closed.slot)
  }
  return slots
}
