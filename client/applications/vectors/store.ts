/** A store of vectors: rows of shared memory that never change while somebody reads them. */
import { compareKeys } from 'raft-roadmap/server'
import sortedTree from 'sorted-btree'
import type { Metadata } from './commands.js'
import { limits } from './limits.js'
import type { Rows } from './search.js'

/** The package is CommonJS: its class is the default export of the default export. */
const SortedTree = sortedTree.default
type Order = InstanceType<typeof SortedTree<string, number>>

/** Bytes of the piece of memory that rows share: a row of the longest vector has room. */
const pieceBytes = 1024 * 1024

/** An item as it stands in a row. */
export interface Item {
  readonly id: string
  readonly vector: Float32Array
  readonly metadata: Metadata
  /** Bytes for which the item counts. */
  readonly bytes: number
}

/** The items of a store at a moment, in the order of their ids. They stay as they are until it is released. */
export interface Moment {
  readonly items: Iterable<Item>
  release(): void
}

/** Counts the bytes for which an item counts. */
export function bytesOf(dimension: number, id: string, metadata: Metadata): number {
  return limits.itemBytes + 4 * dimension + Buffer.byteLength(id) + Buffer.byteLength(JSON.stringify(metadata))
}

/**
 * Items by their ids. A replaced or removed item leaves its row as it is; the row is used again when nobody reads the
 * store at an earlier moment any more.
 */
export class VectorStore {
  readonly dimension: number
  /** Bytes for which all items count. */
  bytes = 0
  readonly #rowsOfPiece: number
  readonly #order: Order = new SortedTree<string, number>(undefined, compareKeys)
  readonly #items: (Item | undefined)[] = []
  readonly #pieces: Float32Array[] = []
  #mask = new Uint8Array(16)
  /** Rows that can be used. */
  #free: number[] = []
  /** Rows whose items were removed while somebody read the store. */
  readonly #left: number[] = []
  readonly #readers = new Set<object>()

  constructor(dimension: number) {
    this.dimension = dimension
    this.#rowsOfPiece = Math.floor(pieceBytes / (4 * dimension))
  }

  get size(): number {
    return this.#order.size
  }

  /** Rows that hold, or held, an item. */
  get rows(): number {
    return this.#items.length
  }

  get(id: string): Item | undefined {
    const row = this.#order.get(id)
    return row === undefined ? undefined : this.#items[row]
  }

  /** The item in a row, also if it was removed while a reader was there. */
  itemAt(row: number): Item {
    return this.#items[row]!
  }

  /** @param bytes as {@link bytesOf} counts them @returns whether the id is a new one */
  set(id: string, vector: Float32Array, metadata: Metadata, bytes: number): boolean {
    const isNew = !this.delete(id)
    const row = this.#free.pop() ?? this.#items.length
    const place = this.#placeOf(row)
    place.set(vector)
    this.#items[row] = { id, vector: place, metadata, bytes }
    this.#order.set(id, row)
    this.#mark(row, 1)
    this.bytes += bytes
    return isNew
  }

  /** @returns whether the item was there */
  delete(id: string): boolean {
    const row = this.#order.get(id)
    if (row === undefined) return false
    this.#order.delete(id)
    this.#mark(row, 0)
    this.bytes -= this.#items[row]!.bytes
    if (this.#readers.size > 0) this.#left.push(row)
    else this.#free.push(row)
    return true
  }

  /** The ids of all items whose metadata is so, in order. */
  idsWhere(where: Metadata): string[] {
    return [...this.#order.entries()].flatMap(([id, row]) => (isSo(this.#items[row]!, where) ? [id] : []))
  }

  /** A copy of the marks of all rows, 1 for each that holds an item; only of those whose metadata is so. */
  mask(where?: Metadata): Uint8Array {
    const mask = this.#mask.slice(0, this.#items.length)
    if (where)
      for (const [row, isThere] of mask.entries()) if (isThere) mask[row] = isSo(this.#items[row]!, where) ? 1 : 0
    return mask
  }

  /** All rows, in pieces of memory. */
  *pieces(): Generator<Rows> {
    for (const [at, vectors] of this.#pieces.entries()) {
      const first = at * this.#rowsOfPiece
      yield { vectors, first, count: Math.min(this.#rowsOfPiece, this.#items.length - first) }
    }
  }

  /** Keeps all rows as they are, until the function that it gives is called. */
  hold(): () => void {
    const reader = {}
    this.#readers.add(reader)
    return () => {
      this.#readers.delete(reader)
      if (this.#readers.size === 0) this.#free.push(...this.#left.splice(0))
    }
  }

  /** The items at this moment; the tree's copy shares all that stays the same. */
  moment(): Moment {
    const release = this.hold()
    const order = this.#order.clone()
    const itemAt = (row: number) => this.itemAt(row)
    function* items() {
      for (const [, row] of order.entries()) yield itemAt(row)
    }
    return { items: items(), release }
  }

  /** The numbers of a row, in shared memory: threads read them where they are. */
  #placeOf(row: number): Float32Array {
    const at = Math.floor(row / this.#rowsOfPiece)
    this.#pieces[at] ??= new Float32Array(new SharedArrayBuffer(4 * this.dimension * this.#rowsOfPiece))
    const from = (row % this.#rowsOfPiece) * this.dimension
    return this.#pieces[at]!.subarray(from, from + this.dimension)
  }

  #mark(row: number, mark: 0 | 1): void {
    if (row >= this.#mask.length) {
      const longer = new Uint8Array(2 * this.#mask.length)
      longer.set(this.#mask)
      this.#mask = longer
    }
    this.#mask[row] = mark
  }
}

function isSo({ metadata }: Item, where: Metadata): boolean {
  for (const key in where) if (!Object.hasOwn(metadata, key) || metadata[key] !== where[key]) return false
  return true
}
