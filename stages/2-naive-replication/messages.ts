import { type Command, isObject, isPositive, type Message } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import { commands } from '../0-key-value-store/commands.js'

/** The leader to a follower: perform this write. `write` numbers the leader's writes, to tell the answers apart. */
export interface Replicate extends Message {
  readonly type: 'Replicate'
  readonly write: number
  readonly command: Command
}

/** A follower to the leader: done. */
export interface Replicated extends Message {
  readonly type: 'Replicated'
  readonly write: number
}

export type NaiveMessage = Replicate | Replicated

const writes = { set: commands.set, delete: commands.delete, append: commands.append, cas: commands.cas }

function isWrite(candidate: unknown): boolean {
  if (!isObject(candidate) || typeof candidate.command !== 'string') return false
  if (!Object.hasOwn(writes, candidate.command)) return false
  return writes[candidate.command as keyof typeof writes].check(candidate).ok
}

/** What each message is, and what it must hold when it comes from the wire. */
export const messages = {
  Replicate: { kind: 'leads', check: ({ write, command }) => isPositive(write) && isWrite(command) },
  Replicated: { kind: 'answers', check: ({ write }) => isPositive(write) },
} satisfies Record<string, MessageFacts>
