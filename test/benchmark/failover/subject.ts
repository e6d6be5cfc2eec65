import type { Pace } from '../../../src/server/config.js'

/** A cluster whose leader can be killed. */
export interface Subject {
  /** Kills the leader (SIGKILL). Returns when the signal is sent, and does not wait for anything. */
  kill(): void
  /** Resolves when a write that is begun now is acknowledged, however often it has to be asked. */
  write(value: string): Promise<void>
  /** Starts the killed node again; resolves when a node leads and all nodes follow it. */
  revive(): Promise<void>
  stop(): Promise<void>
}

export type Start = (nodes: number, pace: Pace) => Promise<Subject>
