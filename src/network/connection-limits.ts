import { readFileSync } from 'node:fs'

/** How many connections a node takes on each of its ports. */
export interface ConnectionLimits {
  readonly clients: number
  readonly peers: number
}

/** Where the system does not tell: what most shells give a process. */
const usualOpenFiles = 1_024
/** However many files the system allows: a connection costs memory, too. */
const most: ConnectionLimits = { clients: 16_384, peers: 2_048 }

/**
 * Connections that leave room, among the files that this process may have open, for its disk and for what it opens
 * itself. A node that takes as many as come can open no new segment and no snapshot one day, and ends.
 */
export function connectionLimits(openFiles: number = openFileLimit()): ConnectionLimits {
  const reserve = Math.min(512, Math.max(64, Math.floor(openFiles / 4)))
  const free = Math.max(32, openFiles - reserve)
  const peers = Math.min(most.peers, Math.floor(free / 4))
  return { clients: Math.min(most.clients, free - peers), peers }
}

function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? usualOpenFiles : Number(soft)
  } catch {
    return usualOpenFiles
  }
}
