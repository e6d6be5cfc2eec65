import type { Answer } from '../../src/contracts.js'

/** Bytes that a remembered answer takes beside its texts. */
const overhead = 128

/** Bytes that a remembered answer takes in memory, estimated. */
export function weighAnswer(answer: Answer | null): number {
  return overhead + weigh(answer)
}

/** Bytes of an answer's texts, at two a character, and of its other fields. */
function weigh(value: unknown): number {
  if (typeof value === 'string') return 2 * value.length
  if (typeof value !== 'object' || value === null) return 8
  let bytes = 0
  for (const name in value) bytes += weigh((value as Record<string, unknown>)[name])
  return bytes
}
