import type { Operation } from './history.js'

/**
 * What has become of an open operation in one configuration: two bits.
 *
 * Pending: it must still be put in the order. Optional: it may be, but need not (an unknown write; or a write that
 * could be put where nobody would notice). Used: its place is fixed. Only `satisfied` ones may return.
 */
export const status = { closed: 0, satisfied: 1, pending: 2, optional: 3, used: 1 } as const

/** One way to have ordered a beginning of the history: what the key holds, and what has become of what is open. */
export interface Configuration {
  /** The number of a state; see {@link States}. */
  state: number
  /** Two bits a slot. Never changed once the configuration has been shared. */
  readonly bits: Uint32Array
  /** The order itself, its end first. */
  trace: Trace | undefined
}

export interface Trace {
  readonly operation: Operation
  /** It could have been put here unnoticed; a later place counts instead, if there is one. */
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

/** A text that two configurations share only if they are equal, whatever their traces: an exact key, not a hash. */
export function keyOf({ state, bits }: Configuration): string {
  return `${state}:${bits.join()}`
}

/**
 * Reduction: of two configurations in the same state, one dominates that has every operation satisfied and every
 * operation available that the other has. Whatever completes the other completes it too, so only it is kept.
 *
 * Those that leave the most open come first, of every state one, then of every state a second one, and so on.
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

/** The order that a trace stands for. */
export function orderOf(trace: Trace | undefined): Operation[] {
  const placed = new Set<Operation>()
  for (let node = trace; node; node = node.before) if (!node.unnoticed) placed.add(node.operation)
  const order: Operation[] = []
  for (let node = trace; node; node = node.before) {
    if (!node.unnoticed || !placed.has(node.operation)) order.push(node.operation)
  }
  return order.reverse()
}
