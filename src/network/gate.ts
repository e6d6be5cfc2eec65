import type { Socket } from 'node:net'

/** A gate before a port: it passes on the connections that may come in. A port without one takes them as they come. */
export interface Gate {
  enter(socket: Socket): void
  /** Ends the connections that stand in the gate. */
  close(): void
}

/**
 * Makes the gate of one port.
 *
 * @param pass takes a connection in
 * @param turnedAway called for each connection that was not passed on, with the reason
 */
export type MakeGate = (
  pass: (socket: Socket) => void,
  turnedAway: (remote: string | undefined, reason: string) => void,
) => Gate
