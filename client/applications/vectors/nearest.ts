/** The search for the nearest items: on this thread if it is short, and on threads of its own if it is long. */
import { type Answer, compareKeys } from 'raft-roadmap/server'
import type { VectorCommand } from './commands.js'
import { numbersIn } from './encoding.js'
import { limits } from './limits.js'
import { noSuchStore, type Stores, wrongDimension } from './perform.js'
import { measure, type Question, smallest } from './search.js'
import type { VectorStore } from './store.js'
import type { SearchThreads } from './threads.js'

type Nearest = Extract<VectorCommand, { command: 'nearest' }>

/**
 * Numbers of a store from which on a search leaves this thread: a million take about a millisecond, as long as a message
 * to a thread and back.
 */
export const numbersOfThread = 1_000_000
/** Numbers that are searched on this thread before the event loop may turn. */
const sliceNumbers = 1_000_000

/** The world of a search. */
export interface Searching {
  /** The threads; null for a search that stays on this one. */
  readonly threads: SearchThreads | null
  /** Lets the event loop turn. */
  turn(): Promise<void>
}

/** Finds the nearest items of this moment, whatever is changed while it searches. Of two at one distance, the smaller id is first. */
export async function nearest({ byName }: Stores, command: Nearest, world: Searching): Promise<Answer> {
  const { store: name, k = limits.usualNearest, metric = 'cosine', where } = command
  const store = byName.get(name)
  if (!store) return noSuchStore(name)
  const vector = Float64Array.from(numbersIn(command.vector))
  const wrong = wrongDimension(name, store, vector.length, 'the vector')
  if (wrong) return wrong
  const release = store.hold()
  try {
    const mask = store.mask(where)
    const distances = await distancesOf(store, { vector, metric, mask }, world)
    const idAt = (row: number) => store.itemAt(row).id
    const found = smallest(k, mask, distances, (row, other) => compareKeys(idAt(row), idAt(other)) < 0)
    return {
      ok: true,
      items: found.map(({ row, distance }) => ({ id: idAt(row), distance, metadata: store.itemAt(row).metadata })),
    }
  } finally {
    release()
  }
}

/** Measures the distance of every row. */
async function distancesOf(store: VectorStore, question: Question, world: Searching): Promise<Float64Array> {
  const pieces = [...store.pieces()]
  if (world.threads && store.rows * store.dimension > numbersOfThread) {
    const distances = await world.threads.search(pieces, question)
    if (distances) return distances
  }
  const distances = new Float64Array(question.mask.length)
  let numbers = 0
  for (const piece of pieces) {
    measure(piece, question, distances)
    numbers += piece.count * store.dimension
    if (numbers < sliceNumbers) continue
    numbers = 0
    await world.turn()
  }
  return distances
}
