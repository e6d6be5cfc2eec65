import { isAvailable, isSatisfied } from './configuration.js'
import type { Entry } from './entry.js'
import type { State } from './model.js'

/** The operations that have been called and may still be put in the order, at one moment of the timeline. */
export class OpenOperations {
  /** Operations that will return. */
  readonly owed = new Set<Entry>()
  /** Operations that will not return, grouped by sort, each group in the order of calls. */
  readonly #optional = new Map<number, Entry[]>()
  /** Counts of the open operations that require each state. */
  readonly #required = new Map<State, number>()

  copy(): OpenOperations {
    const copy = new OpenOperations()
    for (const entry of this.owed) copy.owed.add(entry)
    for (const [sort, group] of this.#optional) copy.#optional.set(sort, group)
    for (const [state, count] of this.#required) copy.#required.set(state, count)
    return copy
  }

  add(entry: Entry): void {
    if (entry.requires !== undefined) this.#count(entry.requires, 1)
    if (entry.optional) this.#addTo(entry.sort, entry)
    else this.owed.add(entry)
  }

  remove(entry: Entry): void {
    if (entry.requires !== undefined) this.#count(entry.requires, -1)
    if (!entry.optional) this.owed.delete(entry)
    else if (!this.#removeFrom(entry.sort, entry)) this.#removeFrom(entry.unreadSort, entry)
  }

  /** Moves an operation to its {@link Entry.unreadSort}. */
  fade(entry: Entry): void {
    this.#removeFrom(entry.sort, entry)
    this.#addTo(entry.unreadSort, entry)
  }

  /**
   * Lists the operations that may still be put in the order. Reduction: of identical unknown operations, only the one
   * called first is listed; the choice between them does not matter.
   */
  *available(bits: Uint32Array): Generator<Entry> {
    for (const entry of this.owed) if (isAvailable(bits, entry.slot)) yield entry
    for (const group of this.#optional.values()) {
      const first = group.find(({ slot }) => isAvailable(bits, slot))
      if (first) yield first
    }
  }

  /**
   * Reduction: an optional write is tried only where an open operation could notice it. Where none could, the order
   * without the write does as well: only open operations can come next.
   */
  isWanted(write: Entry, from: State | undefined, length: number, bits: Uint32Array): boolean {
    if (from === null && write.kind !== 'delete' && this.#anyOwed(tellsExistence)) return true
    if (write.results === undefined) return from !== undefined && this.#wantsAppended(from, length, write)
    if (this.#required.has(write.results)) return true
    if (!isSatisfied(bits, write.slot) && this.#anyOptional(isDelete)) return true
    return this.#wantsLonger(write.results ?? '', write.results?.length ?? 0, '')
  }

  #wantsAppended(from: State, length: number, { operation: { command } }: Entry): boolean {
    return 'value' in command && this.#wantsLonger(from ?? '', length, command.value)
  }

  /** Checks whether an append could have found `start + end`, or appends could extend it to a required state. */
  #wantsLonger(start: string, startLength: number, end: string): boolean {
    const length = startLength + end.length
    const grows = this.#anyOptional(isAppend)
    if (this.#anyOwed(({ room }) => room !== undefined && (room === length || (grows && room > length)))) return true
    if (!grows && end === '') return false
    for (const value of this.#required.keys()) {
      // The end is compared first: it differs at once, and the start may be long.
      if (value?.startsWith(end, startLength) && value.startsWith(start)) return true
    }
    return false
  }

  #addTo(sort: number, entry: Entry): void {
    const group = [...(this.#optional.get(sort) ?? []), entry]
    this.#optional.set(
      sort,
      group.sort((a, b) => a.call - b.call),
    )
  }

  #removeFrom(sort: number, entry: Entry): boolean {
    const group = this.#optional.get(sort) ?? []
    const rest = group.filter((other) => other !== entry)
    if (rest.length > 0) this.#optional.set(sort, rest)
    else this.#optional.delete(sort)
    return rest.length < group.length
  }

  #count(state: State, change: number): void {
    const count = (this.#required.get(state) ?? 0) + change
    if (count > 0) this.#required.set(state, count)
    else this.#required.delete(state)
  }

  #anyOwed(matches: (entry: Entry) => boolean): boolean {
    for (const entry of this.owed) if (matches(entry)) return true
    return false
  }

  #anyOptional(matches: (entry: Entry) => boolean): boolean {
    for (const [first] of this.#optional.values()) if (first && matches(first)) return true
    return false
  }
}

const isDelete = ({ kind }: Entry) => kind === 'delete'
const isAppend = ({ kind }: Entry) => kind === 'append'
const tellsExistence = ({ kind, observation }: Entry) => kind === 'delete' && !observation
