/** The script of a node's process. */
import { nodeProcess } from 'raft-roadmap/server'
import { vectors } from './vectors.js'

await nodeProcess(vectors)
