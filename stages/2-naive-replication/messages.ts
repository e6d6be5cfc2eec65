import { isPositive, type Message } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'

/** The leader to a follower: perform this write. `write` numbers the leader's writes, to tell the answers apart. */
export interface Replicate extends Message {
  readonly type: 'Replicate'
  readonly write: number
  /** The application's command; no rule looks inside. */
  readonly command: unknown
}

/** A follower to the leader: done. */
export interface Replicated extends Message {
  readonly type: 'Replicated'
  readonly write: number
}

export type NaiveMessage = Replicate | Replicated

/** Each message's kind, and the check of its fields when it comes from the wire. */
export const messages = {
  Replicate: { kind: 'leads', check: ({ write, command }, { isWrite }) => isPositive(write) && isWrite(command) },
  Replicated: { kind: 'answers', check: ({ write }) => isPositive(write) },
} satisfies Record<string, MessageFacts>
