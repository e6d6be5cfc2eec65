import type { Operation } from './history.js'

/**
 * The status of an open operation in one configuration: two bits.
 *
 * A pending operation must still be put in the order. An optional one may be, but need not (an unknown write; or a
 * write that could be put where no operation would notice it). The place of a used one is fixed. Only an operation with
 * the bit `satisfied` may return.
 */
export const status = { closed: 0, satisfied: 1, pending: 2, optional: 3, used: 1 } as const

/**
 * A configuration is one order of a beginning of the history: the state of the key, and the status of each open
 * operation.
 */
export interface Configuration {
  /** The number of a state; see {@link States}. */
  state: number
  /** The statuses, two bits a slot; never changed once the configuration has been shared. */
  readonly bits: Uint32Array
  /** The order itself, its end first. */
  trace: Trace | undefined
}

export interface Trace {
  readonly operation: Operation
  /** True if the operation could have been put here unnoticed; a later place counts instead, if there is one. */
  readonly unnoticed: boolean
  readonly before: Trace | undefined
}

export function copyOf({ state, bits, trace }: Configuration): Configuration {
  return { state, bits: bits.slice(), trace }
}

export function bitsFor(slots: number): Uint32Array {
  return new Uint32Array((slots + 15) >>> 4)
}

export function statusAt(bits: Uint32Array, slot: number): number {
  return (bits[slot >>> 4]! >>> ((slot & 15) << 1)) & 3
}

export function setStatus(bits: Uint32Array, slot: number, value: number): void {
  const shift = (slot & 15) << 1
  bits[slot >>> 4] = (bits[slot >>> 4]! & ~(3 << shift)) | (value << shift)
}

export function isSatisfied(bits: Uint32Array, slot: number): boolean {
  return (statusAt(bits, slot) & status.satisfied) !== 0
}

export function isAvailable(bits: Uint32Array, slot: number): boolean {
  return (statusAt(bits, slot) & status.pending) !== 0
}

/**
 * Makes a text that two configurations share only if they are equal, whatever their traces: an exact key, not a hash.
 */
export function keyOf({ state, bits }: Configuration): string {
  return `${state}:${bits.join()}`
}

/**
 * Reduction: keeps only configurations that no other dominates. Of two in the same state, one dominates if every
 * operation that the other has satisfied or available is so in it, too. All orders that complete the other complete it
 * as well.
 *
 * Configurations that leave the most open come first: of every state one, then of every state a second one, and so on.
 */
export function dominant(configurations: Iterable<Configuration>): Configuration[] {
  const byState = new Map<number, Configuration[]>()
  const ranked = [...configurations].map((configuration) => ({ configuration, open: countOf(configuration.bits) }))
  for (const { configuration } of ranked.sort((a, b) => b.open - a.open)) {
    const rivals = byState.get(configuration.state)
    if (!rivals) byState.set(configuration.state, [configuration])
    else if (!rivals.some((rival) => dominates(rival, configuration))) rivals.push(configuration)
  }
  const groups = [...byState.values()]
  const deepest = groups.reduce((depth, { length }) => Math.max(depth, length), 0)
  return Array.from({ length: deepest }, (_, rank) => groups.flatMap((group) => group[rank] ?? [])).flat()
}

function countOf(bits: Uint32Array): number {
  let count = 0
  for (let word of bits) for (; word !== 0; word &= word - 1) count++
  return count
}

function dominates({ bits }: Configuration, other: Configuration): boolean {
  for (let word = 0; word < bits.length; word++) {
    if (other.bits[word]! & ~bits[word]!) return false
  }
  return true
}

/** Reads the order from a trace. */
export function orderOf(trace: Trace | undefined): Operation[] {
  const placed = new Set<Operation>()
  for (let node = trace; node; node = node.before) if (!node.unnoticed) placed.add(node.operation)
  const order: Operation[] = []
  for (let node = trace; node; node = node.before) {
    if (!node.unnoticed || !placed.has(node.operation)) order.push(node.operation)
  }
  return order.reverse()
}
