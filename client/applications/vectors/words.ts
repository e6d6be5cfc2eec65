/**
 * Vectors of texts by feature hashing: every word, and every three letters in a row, adds to a number that a hash
 * chooses. Texts that share words, or parts of words, are near each other. No model is needed, and none is as simple.
 */

/** Words that stand in any text and tell two texts apart in no way. */
const common = new Set(
  'a an and are as at be by can do for from has have in is it its no not of on one or that the then they this to was what when which who will with you'.split(
    ' ',
  ),
)

/** The weight of three letters, where a word has 1. */
const partWeight = 0.4

/** Makes the vector of a text: of length 1, or all zeros if the text has no word that counts. */
export function vectorOf(text: string, dimension: number): Float32Array {
  const sums = new Float64Array(dimension)
  const add = (feature: string, weight: number) => {
    const hash = hashOf(feature)
    // The lowest bit is the sign: features that fall on one number by chance cancel out as often as they add up.
    sums[(hash >>> 1) % dimension]! += hash & 1 ? weight : -weight
  }
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    if (common.has(word)) continue
    add(word, 1)
    const marked = `^${word}$`
    for (let at = 0; at + 3 <= marked.length; at++) add(marked.slice(at, at + 3), partWeight)
  }
  const length = Math.hypot(...sums)
  return Float32Array.from(sums, (sum) => (length === 0 ? 0 : sum / length))
}

/** FNV-1a, with the last step of MurmurHash3: all bits of the hash depend on all letters. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
