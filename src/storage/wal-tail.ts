/** What the bytes after the last good batch are: a write that a crash cut short, or a batch that was durable once. */

/** More than follows the number in the line that ends a batch. */
const restOfEnd = `,"last":${Number.MAX_SAFE_INTEGER}}\n`.length

/**
 * A batch is begun only when the one before it is durable, so a later one proves that this one was. The end of a batch
 * is looked for wherever it may be, because damage may have joined lines.
 *
 * @param batch the last good one
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
