import { isUtf8 } from 'node:buffer'

/*
 * Eight megabytes of brackets, or of tiny fields, cost the JSON parser seconds, and the same bytes in one text cost it
 * milliseconds. The shape of a stranger's JSON is therefore looked at, in its bytes, before the parser sees it.
 */

/** Bounds on JSON from strangers: `depth` of nesting, and `parts`, which are values, fields and elements in all. */
export const shapeBounds = { depth: 32, parts: 4_096 } as const
/** Bytes of a text that cannot keep the parser busy, whatever its shape. */
export const harmlessBytes = 1_024
/** Bytes of a string that are read one by one; beyond them, searching for the quote is cheaper. */
const nearBytes = 32

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/**
 * The shape of some JSON, read from its bytes. Bytes that are not JSON have some shape too; the parser refuses them
 * later.
 */
export interface Shape {
  /** Fields of the outermost object; two fields of the same name count as two. */
  fields: number
  /** True if a string is written with a backslash somewhere. */
  hasEscapes: boolean
  /** The reason not to parse the JSON; null if it may be parsed. Counting stopped at the problem. */
  problem: string | null
  /** Bytes counted. */
  bytes: number
}

/**
 * Counts the parts of some JSON, and stops at the bounds. @param onField called with the position of each name of the
 * outermost object
 */
export function shapeOf(bytes: Buffer, onField?: (from: number, to: number) => void): Shape {
  const shape: Shape = { fields: 0, hasEscapes: false, problem: null, bytes: bytes.length }
  let depth = 0
  let parts = 0
  let textFrom = 0
  let textTo = 0
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!
    if (byte === quote) {
      textFrom = at
      textTo = at = endOfText(bytes, at + 1, shape)
    } else if (byte === colon) {
      if (depth !== 1) continue
      shape.fields++
      onField?.(textFrom, textTo + 1)
    } else if (byte === closeBrace || byte === closeBracket) depth--
    else if (byte === openBrace || byte === openBracket || byte === comma) {
      if (byte !== comma) depth++
      if (++parts <= shapeBounds.parts && depth <= shapeBounds.depth) continue
      const isDeep = depth > shapeBounds.depth
      shape.problem = isDeep ? `nested more than ${shapeBounds.depth} deep` : `more than ${shapeBounds.parts} parts`
      shape.bytes = at + 1
      return shape
    }
  }
  return shape
}

/** Finds the quote that ends a string. Each byte is passed a bounded number of times, whatever the string holds. */
function endOfText(bytes: Buffer, from: number, shape: Shape): number {
  let at = from
  for (const near = Math.min(from + nearBytes, bytes.length); at < near; at++) {
    if (bytes[at] === quote) return at
    if (bytes[at] === backslash) {
      shape.hasEscapes = true
      at++
    }
  }
  if (at >= bytes.length) return bytes.length
  const end = bytes.indexOf(quote, at)
  const plain = bytes.subarray(at, end === -1 ? bytes.length : end).indexOf(backslash)
  if (plain === -1) return end === -1 ? bytes.length : end
  shape.hasEscapes = true
  for (at += plain; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
  return at
}

/** Parses a stranger's bytes as JSON, with their shape; or says what is wrong with them. */
export function parseStranger(bytes: Buffer): { value: unknown; shape: Shape } | { problem: string } {
  const shape = shapeOf(bytes)
  if (shape.problem !== null) return { problem: shape.problem }
  if (!isUtf8(bytes)) return { problem: 'not UTF-8' }
  try {
    return { value: JSON.parse(bytes.toString()), shape }
  } catch (error) {
    return { problem: `not JSON: ${(error as Error).message}` }
  }
}

/** Refuses JSON that would keep the parser busy for long. @throws Error that says so */
export function checkShape(bytes: Buffer): void {
  const problem = bytes.length <= harmlessBytes ? null : shapeOf(bytes).problem
  if (problem !== null) throw new Error(problem)
}

/** Finds the first name that the outermost object has twice, also if the two are escaped differently. */
export function doubledField(bytes: Buffer): string | undefined {
  const names = new Set<string>()
  let doubled: string | undefined
  shapeOf(bytes, (from, to) => {
    const name = JSON.parse(bytes.toString('utf8', from, to)) as string
    if (names.has(name)) doubled ??= name
    names.add(name)
  })
  return doubled
}

/**
 * Checks that every string inside can be written as UTF-8. Half of a surrogate pair cannot: two different halves would
 * become one.
 */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isWellFormed)
  return Object.entries(value).every(([name, field]) => name.isWellFormed() && isWellFormed(field))
}
