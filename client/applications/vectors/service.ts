import type { Service } from 'raft-roadmap/server'
import { vectors } from './vectors.js'

/** The vector stores as a service: what its processes and its command line are made of. */
export const service: Service = {
  application: vectors,
  name: 'npx raft-roadmap vectors',
  about: 'Stores of named vectors, replicated by Raft: set items, and find the nearest.',
  entry: new URL('./node-entry.js', import.meta.url),
  tries: 'create_store docs 3 · list_stores · status · kill leader',
  commands: [
    {
      command: 'load <store> <file>',
      describe: 'put the lines of a text into a store, each under its number, as vectors of their words',
      load: async () => (await import('./load.js')).load,
    },
    {
      command: 'nearest <store> [text]',
      describe: 'the items nearest to a text, or to --vector',
      load: async () => (await import('./ask-nearest.js')).askNearest,
    },
  ],
}
