/** Names and numbers that everything else is made of. Part of the doors: see `contracts.ts`. */

/** A node's name: `n1`, `n2`, … */
export type NodeId = string

/** Checks the name of a node. `__proto__` is no name: it would be no key of an object. */
export const isNodeId = (text: string) => /^[A-Za-z0-9_-]{1,32}$/.test(text) && text !== '__proto__'

/** A leader's period of office; 0 before the first election, and always where nobody is elected (§5.1). */
export type Term = number

/** A position in a node's sequence of commands, counted from 1; 0 means "before the first". */
export type Index = number

/** Names one log entry: no two entries of a correct cluster share both parts (§5.3). */
export interface EntryId {
  readonly index: Index
  readonly term: Term
}

export function isObject(candidate: unknown): candidate is Record<string, unknown> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)
}

/** Checks whether a value from the wire is a whole number from 1 on. */
export function isPositive(candidate: unknown): candidate is number {
  return Number.isSafeInteger(candidate) && (candidate as number) >= 1
}
