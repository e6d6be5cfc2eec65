import { readFileSync } from 'node:fs'

/** Connections that a node takes on each of its ports. */
export interface ConnectionLimits {
  readonly clients: number
  readonly peers: number
  /** Connections to the port for the services of gRPC, if it is another than that of the peers. */
  readonly apps: number
  /** Connections to the port for metrics and health. */
  readonly metrics: number
}

/** Milliseconds between the last answer and the end of a connection: the client needs time to read the answer. */
export const lastWordsMs = 1_000

/** Open files that most shells allow a process; used where the system does not tell its limit. */
const usualOpenFiles = 1_024
/** Upper bounds, however many open files the system allows: a connection costs memory, too. */
const most: ConnectionLimits = { clients: 16_384, peers: 2_048, apps: 2_048, metrics: 32 }

/**
 * Computes how many connections, on all ports together, leave enough of the process's open files for its disk and for
 * links that it opens itself. A node without this limit could one day reach no peer, open no new segment and no
 * snapshot, and would end.
 */
export function connectionLimits(openFiles: number = openFileLimit()): ConnectionLimits {
  const reserve = Math.min(512, Math.max(96, Math.floor(openFiles / 4)))
  const free = Math.max(32, openFiles - reserve)
  const peers = Math.min(most.peers, Math.floor(free / 4))
  const apps = Math.min(most.apps, Math.floor(free / 8))
  const metrics = Math.min(most.metrics, Math.floor(free / 8))
  return { clients: Math.min(most.clients, free - peers - apps - metrics), peers, apps, metrics }
}

function openFileLimit(): number {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
    return soft === undefined ? usualOpenFiles : Number(soft)
  } catch {
    return usualOpenFiles
  }
}
