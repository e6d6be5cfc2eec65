/** The lines of a snapshot: a line for each store, and behind it a line for each of its items, in the order of names and ids. */
import { compareKeys } from 'raft-roadmap/server'
import type { Metadata } from './commands.js'
import { encodeVector, numbersIn } from './encoding.js'
import { Stores } from './perform.js'
import { bytesOf, type Item, type Moment, VectorStore } from './store.js'

/** Characters that are written, or read, before the event loop may turn. */
const sliceLength = 64 * 1024

/** The stores at one moment, to be written down. */
export class Snapshot {
  readonly #stores: readonly { readonly name: string; readonly dimension: number; readonly moment: Moment }[]

  constructor({ byName }: Stores) {
    this.#stores = [...byName]
      .sort(([a], [b]) => compareKeys(a, b))
      .map(([name, store]) => ({ name, dimension: store.dimension, moment: store.moment() }))
  }

  /** Lets go of the moment. Rows that only it reads can be used again. */
  release(): void {
    for (const { moment } of this.#stores) moment.release()
  }

  /** The lines, many at a time. @param turn lets the event loop turn */
  async *lines(turn: () => Promise<void>): AsyncGenerator<string> {
    let slice = ''
    try {
      for (const line of this.#eachLine()) {
        slice += line
        if (slice.length < sliceLength) continue
        yield slice
        slice = ''
        await turn()
      }
      if (slice !== '') yield slice
    } finally {
      this.release()
    }
  }

  *#eachLine(): Generator<string> {
    for (const { name, dimension, moment } of this.#stores) {
      yield `${JSON.stringify({ store: name, dimension })}\n`
      for (const item of moment.items) yield lineOf(item)
    }
  }
}

function lineOf({ id, vector, metadata }: Item): string {
  return `${JSON.stringify([id, encodeVector(vector), metadata])}\n`
}

/** Reads stores from the lines of a snapshot. @throws on a line that is none of a snapshot's */
export async function restored(body: AsyncIterable<string>, turn: () => Promise<void>): Promise<Stores> {
  const stores = new Stores()
  let store: VectorStore | undefined
  let length = 0
  for await (const lines of body)
    for (const line of lines.split('\n')) {
      if (line === '') continue
      store = readLine(stores, store, line)
      length += line.length
      if (length < sliceLength) continue
      length = 0
      await turn()
    }
  return stores
}

function readLine({ byName }: Stores, store: VectorStore | undefined, line: string): VectorStore {
  const read = JSON.parse(line) as [string, string, Metadata] | { store: string; dimension: number }
  if (!Array.isArray(read)) {
    const next = new VectorStore(read.dimension)
    byName.set(read.store, next)
    return next
  }
  const [id, vector, metadata] = read
  if (!store) throw new Error('a snapshot of the vector stores begins with an item, and not with a store')
  store.set(id, numbersIn(vector), metadata, bytesOf(store.dimension, id, metadata))
  return store
}
