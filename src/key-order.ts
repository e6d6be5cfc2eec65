/**
 * Orders keys as their UTF-8 bytes are ordered, which is the order of code points. JavaScript compares UTF-16 units,
 * which differs in one thing: surrogates (U+10000 and above) would sort before U+E000 to U+FFFF.
 */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0
  const shorter = Math.min(a.length, b.length)
  for (let at = 0; at < shorter; at++) {
    const unitA = a.charCodeAt(at)
    const unitB = b.charCodeAt(at)
    if (unitA !== unitB) return isSurrogate(unitA) === isSurrogate(unitB) ? unitA - unitB : isSurrogate(unitA) ? 1 : -1
  }
  return a.length - b.length
}

/** A unit of a surrogate pair that is compared with a plain unit below U+E000 must still come after it. */
function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff
}
