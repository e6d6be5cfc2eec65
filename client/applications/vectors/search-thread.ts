/** The script of a search thread: it measures distances of rows in shared memory. */
import { parentPort } from 'node:worker_threads'
import { measure } from './search.js'
import type { Part } from './threads.js'

parentPort!.on('message', ({ number, pieces, question, distances }: Part) => {
  for (const piece of pieces) measure(piece, question, distances)
  parentPort!.postMessage(number)
})
