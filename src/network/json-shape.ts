import { isUtf8 } from 'node:buffer'

/*
 * Eight megabytes of brackets, or of tiny fields, cost the JSON parser seconds, and the same bytes in one text cost it
 * milliseconds. The shape of a stranger's JSON is therefore looked at, in its bytes, before the parser sees it.
 */

/** What JSON of strangers may consist of: values inside values, and values, fields and elements in all. */
export const shapeBounds = { depth: 32, parts: 4_096 } as const
/** A text so short cannot keep the parser busy, whatever its shape. */
export const harmlessBytes = 1_024
/** A text in quotes is read byte by byte up to here; after that, searching is cheaper. */
const nearBytes = 32

const quote = 0x22
const comma = 0x2c
const colon = 0x3a
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** What a look at bytes told that should be JSON. Of bytes that are none, it says something, and the parser says no. */
export interface Shape {
  /** Fields of the outermost object, those of the same name counted each. */
  fields: number
  /** Whether a text is written with a backslash somewhere. */
  hasEscapes: boolean
  /** Why it is not to be parsed; null if it may be. The look ended there. */
  problem: string | null
  /** Bytes looked at. */
  bytes: number
}

/** Counts what JSON consists of, and stops where it is too much. @param onField hears where each name of the outermost object stands */
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

/** Where the quote stands that ends a text. Each byte is passed a bounded number of times, whatever the text holds. */
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

/** A stranger's bytes as the JSON they should be, with their shape; or what is wrong with them. */
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

/** Refuses what would keep the parser busy for long. @throws Error that says so */
export function checkShape(bytes: Buffer): void {
  const problem = bytes.length <= harmlessBytes ? null : shapeOf(bytes).problem
  if (problem !== null) throw new Error(problem)
}

/** The first name that the outermost object has twice, in whatever way it is written. */
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

/** Whether every text inside can be written as UTF-8: half of a surrogate pair cannot, and two of them would become one. */
export function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value !== 'object' || value === null) return true
  if (Array.isArray(value)) return value.every(isWellFormed)
  return Object.entries(value).every(([name, field]) => name.isWellFormed() && isWellFormed(field))
}
