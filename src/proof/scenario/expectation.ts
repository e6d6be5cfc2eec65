import { type Command, errorCodes, type Outcome } from '../../contracts.js'
import type { Expectation } from './scenario.js'

const alternative = /\s*("(?:[^"\\]|\\.)*"|\(absent\)|done|not done|(?:refused|unknown)(?: (?!or\b)[a-z_]+)?)\s*/y
const forms = 'done, "value", (absent), not done, refused [code], unknown [code], with "or" between alternatives'

/** Parses expectations such as `"1" or (absent)`. @throws Error that says what would be one */
export function parseExpectations(text: string): Expectation[] {
  const found: Expectation[] = []
  alternative.lastIndex = 0
  for (;;) {
    const at = alternative.lastIndex
    const words = alternative.exec(text)?.[1]
    if (words === undefined) throw new Error(`${JSON.stringify(text.slice(at).trim())} is nothing to expect: ${forms}`)
    found.push(toExpectation(words))
    if (alternative.lastIndex === text.length) return found
    const or = /or\s+/y
    or.lastIndex = alternative.lastIndex
    if (!or.test(text)) throw new Error(`${JSON.stringify(text.slice(alternative.lastIndex))} is left over: ${forms}`)
    alternative.lastIndex = or.lastIndex
  }
}

function toExpectation(words: string): Expectation {
  if (words === '(absent)') return { kind: 'value', value: null }
  if (words === 'done' || words === 'not done') return { kind: words }
  if (words.startsWith('"')) return { kind: 'value', value: parseValue(words) }
  const [kind, code = null] = words.split(' ') as ['refused' | 'unknown', string?]
  const codes = Object.entries(errorCodes).filter(([, { definite }]) => definite === (kind === 'refused'))
  if (code !== null && !codes.some(([name]) => name === code)) {
    throw new Error(`no code ${code} goes with ${kind}; there are ${codes.map(([name]) => name).join(' ')}`)
  }
  return { kind, code }
}

function parseValue(text: string): string {
  try {
    return JSON.parse(text) as string
  } catch {
    throw new Error(`${text} is no JSON string`)
  }
}

export function formatExpectations(expected: readonly Expectation[]): string {
  return expected
    .map((one) => {
      if (one.kind === 'value') return one.value === null ? '(absent)' : JSON.stringify(one.value)
      return 'code' in one && one.code !== null ? `${one.kind} ${one.code}` : one.kind
    })
    .join(' or ')
}

/** The mark of one line: as it should be, wrong, or safe but not done. */
export type Mark = 'fine' | 'violated' | 'unavailable'

/**
 * Judges the outcome of a call. An answer that contradicts the expectation is a violation, and so is a wrong error
 * where a certain error was expected; an expected success that did not come is unavailable.
 */
export function judge(outcome: Outcome, expected: readonly Expectation[]): Mark {
  if (expected.length === 0 || expected.some((one) => isMet(one, outcome))) return 'fine'
  if (outcome.outcome === 'done' || outcome.error.code === 'cas_mismatch') return 'violated'
  return expected.some(({ kind }) => kind === 'done' || kind === 'value') ? 'unavailable' : 'violated'
}

function isMet(expected: Expectation, outcome: Outcome): boolean {
  switch (expected.kind) {
    case 'done':
      return outcome.outcome === 'done'
    case 'not done':
      return outcome.outcome !== 'done'
    case 'value':
      return outcome.outcome === 'done' && outcome.answer.value === expected.value
    default:
      if (outcome.outcome !== expected.kind) return false
      return expected.code === null || expected.code === outcome.error.code
  }
}

/** Describes an outcome in few words, and always in the same ones. */
export function describeOutcome({ command }: Command, outcome: Outcome): string {
  if (outcome.outcome !== 'done') {
    const { code, leader, actual } = outcome.error
    const holds = code === 'cas_mismatch' ? `: it holds ${describeValue(actual)}` : ''
    return `${outcome.outcome} ${code}${typeof leader === 'string' ? `: ask ${leader}` : ''}${holds}`
  }
  const { value, existed, length } = outcome.answer
  if (command === 'get') return describeValue(value)
  if (command === 'append') return `done, length ${String(length)}`
  return command === 'delete' && existed === false ? 'done, there was none' : 'done'
}

export function describeValue(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : '(absent)'
}
