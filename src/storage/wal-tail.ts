/** The bytes after the last good batch: a write that a crash cut short, or a batch that was durable once. */

/** An upper bound of the characters that follow the number in the line that ends a batch. */
const restOfEnd = `,"last":${Number.MAX_SAFE_INTEGER},"commit":${Number.MAX_SAFE_INTEGER}}\n`.length

/**
 * Looks for the trace of a batch that was begun after the tail's own. A batch is begun only when the one before it is
 * durable, so a later one proves that the tail was durable once. The search looks for a batch's end anywhere, because
 * damage may have joined lines.
 *
 * @param batch the number of the last good batch
 * @returns the proof, in words, or null if there is none
 */
export function proofOfLaterBatch(tail: Buffer, batch: number): string | null {
  const text = tail.toString('latin1')
  for (const { 0: literal, 1: digits, 2: comma, index } of text.matchAll(/\{"end":(\d+)(,?)/g)) {
    const end = Number(digits)
    if (end >= batch + 2) return `batch ${end} was written after it`
    const rest = text.slice(index + literal.length - comma!.length)
    const lineEnd = rest.indexOf('\n')
    const more = rest.length > restOfEnd || (lineEnd >= 0 && lineEnd + 1 < rest.length)
    if (end === batch + 1 && more) return 'another batch was begun after it'
    if (end <= batch && comma) return `batch ${end} is there a second time`
  }
  return null
}
