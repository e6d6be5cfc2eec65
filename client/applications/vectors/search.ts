/** Distances between vectors. A smaller distance is nearer, by every metric. */

/**
 * The metrics: `cosine` is 1 minus the cosine of the angle, from 0 to 2; `dot` is minus the dot product; `euclidean` is
 * the length of the difference.
 */
export const metrics = ['cosine', 'dot', 'euclidean'] as const
export type Metric = (typeof metrics)[number]

/** A run of rows in one piece of memory, row after row. */
export interface Rows {
  readonly vectors: Float32Array
  /** The number of the first row. */
  readonly first: number
  readonly count: number
}

/** The question of a search. */
export interface Question {
  /** The numbers of the vector that is asked for. */
  readonly vector: Float64Array
  readonly metric: Metric
  /** One byte for each row of the store, 1 for a row that may be found. */
  readonly mask: Uint8Array
}

/** Writes the distance of each row that may be found into `out`, at the number of the row. */
export function measure({ vectors, first, count }: Rows, { vector, metric, mask }: Question, out: Float64Array): void {
  const distance = distances[metric]
  const squared = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  for (let row = 0; row < count; row++)
    if (mask[first + row] === 1) out[first + row] = distance(vectors, row * vector.length, vector, squared)
}

type Distance = (vectors: Float32Array, from: number, vector: Float64Array, length: number) => number

/*
 * Plain loops, with two or four sums each: a loop over one sum waits for every addition, and no processor is kept busy
 * by that.
 */
const distances: Readonly<Record<Metric, Distance>> = {
  cosine(vectors, from, vector, length) {
    let [even, odd, evenSquares, oddSquares, at] = [0, 0, 0, 0, 0]
    for (; at + 1 < vector.length; at += 2) {
      const [one, two] = [vectors[from + at]!, vectors[from + at + 1]!]
      even += one * vector[at]!
      odd += two * vector[at + 1]!
      evenSquares += one * one
      oddSquares += two * two
    }
    if (at < vector.length) {
      const one = vectors[from + at]!
      even += one * vector[at]!
      evenSquares += one * one
    }
    const lengths = length * Math.sqrt(evenSquares + oddSquares)
    // A vector of zeros has no direction: it is as far from all others as a right angle.
    if (lengths === 0) return 1
    return 1 - Math.max(-1, Math.min(1, (even + odd) / lengths))
  },
  dot(vectors, from, vector) {
    let [first, second, third, fourth, at] = [0, 0, 0, 0, 0]
    for (; at + 3 < vector.length; at += 4) {
      first += vectors[from + at]! * vector[at]!
      second += vectors[from + at + 1]! * vector[at + 1]!
      third += vectors[from + at + 2]! * vector[at + 2]!
      fourth += vectors[from + at + 3]! * vector[at + 3]!
    }
    for (; at < vector.length; at++) first += vectors[from + at]! * vector[at]!
    return 0 - (first + second + third + fourth)
  },
  euclidean(vectors, from, vector) {
    let [even, odd, at] = [0, 0, 0]
    for (; at + 1 < vector.length; at += 2) {
      const [one, two] = [vectors[from + at]! - vector[at]!, vectors[from + at + 1]! - vector[at + 1]!]
      even += one * one
      odd += two * two
    }
    if (at < vector.length) even += (vectors[from + at]! - vector[at]!) ** 2
    return Math.sqrt(even + odd)
  },
}

/** A row that was found, and its distance. */
export interface Found {
  readonly row: number
  readonly distance: number
}

/**
 * Picks the `k` rows with the smallest distances, the nearest first.
 *
 * @param before whether, of two rows of one distance, the first comes before the second
 */
export function smallest(
  k: number,
  mask: Uint8Array,
  distances: Float64Array,
  before: (row: number, other: number) => boolean,
): Found[] {
  const found: Found[] = []
  for (let row = 0; row < mask.length; row++) {
    if (mask[row] !== 1) continue
    const distance = distances[row]!
    const last = found.at(-1)
    const isFull = found.length === k
    if (isFull && (distance > last!.distance || (distance === last!.distance && !before(row, last!.row)))) continue
    if (isFull) found.pop()
    found.splice(placeOf(found, distance, row, before), 0, { row, distance })
  }
  return found
}

/** The place of a row among those that were found. */
function placeOf(
  found: readonly Found[],
  distance: number,
  row: number,
  before: (row: number, other: number) => boolean,
): number {
  let [low, high] = [0, found.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    const other = found[middle]!
    if (other.distance < distance || (other.distance === distance && before(other.row, row))) low = middle + 1
    else high = middle
  }
  return low
}
