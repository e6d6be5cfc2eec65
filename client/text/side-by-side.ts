import { colour } from './colour.js'

interface Pair {
  readonly left: string | undefined
  readonly right: string | undefined
}

/** Prints two texts in two columns, equal lines beside each other; lines that only one text has are coloured. */
export function sideBySide(left: readonly string[], right: readonly string[], columns: number): string {
  const longest = Math.max(0, ...[...left, ...right].map((line) => line.length))
  const width = Math.min(longest, Math.max(20, Math.floor((columns - 3) / 2)))
  return align(left, right)
    .flatMap(({ left, right }) => {
      const same = left !== undefined && left === right
      const [a, b] = [fold(left ?? '', width), fold(right ?? '', width)]
      const rows = Array.from({ length: Math.max(a.length, b.length) }, (_, at) => [a[at] ?? '', b[at] ?? ''] as const)
      return rows.map(([a, b]) => {
        const padded = a.padEnd(width)
        if (same) return `${padded} │ ${b}`.trimEnd()
        return `${colour.yellow(padded)} ${colour.dim('┃')} ${colour.cyan(b)}`.trimEnd()
      })
    })
    .join('\n')
}

function fold(line: string, width: number): string[] {
  if (line.length <= width) return [line]
  return [line.slice(0, width), ...fold(`    ${line.slice(width)}`, width)]
}

/** Pairs the lines of the longest common subsequence; lines between two such pairs are paired in order. */
function align(left: readonly string[], right: readonly string[]): Pair[] {
  const pairs: Pair[] = []
  let [l, r] = [0, 0]
  const upTo = (nextL: number, nextR: number) => {
    for (; l < nextL || r < nextR; ) {
      pairs.push({ left: l < nextL ? left[l++] : undefined, right: r < nextR ? right[r++] : undefined })
    }
  }
  for (const [commonL, commonR] of common(left, right)) {
    upTo(commonL, commonR)
    upTo(commonL + 1, commonR + 1)
  }
  upTo(left.length, right.length)
  return pairs
}

/** Finds the positions of the longest common subsequence in each text. */
function common(left: readonly string[], right: readonly string[]): [number, number][] {
  const lengths = Array.from({ length: left.length + 1 }, () => new Uint32Array(right.length + 1))
  for (let l = left.length - 1; l >= 0; l--) {
    for (let r = right.length - 1; r >= 0; r--) {
      lengths[l]![r] =
        left[l] === right[r] ? lengths[l + 1]![r + 1]! + 1 : Math.max(lengths[l + 1]![r]!, lengths[l]![r + 1]!)
    }
  }
  const found: [number, number][] = []
  for (let [l, r] = [0, 0]; l < left.length && r < right.length; ) {
    if (left[l] === right[r]) found.push([l++, r++])
    else if (lengths[l + 1]![r]! >= lengths[l]![r + 1]!) l++
    else r++
  }
  return found
}
