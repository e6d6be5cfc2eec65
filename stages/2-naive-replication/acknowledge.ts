import { send } from '../../src/stage.js'
import { perform } from '../0-key-value-store/server.js'
import type { Replicate, Replicated } from './messages.js'
import type { NaiveReplica } from './replica.js'

/**
 * A follower performs a write as soon as it hears of it, in whatever order it hears of them, whether or not a
 * majority ever will. This is what makes the stage unsafe, and what the log of stage 4 is for.
 */
export function performAtOnce(node: NaiveReplica, { from, write, command }: Replicate): void {
  perform(node, command, null)
  send<Replicated>(node, { type: 'Replicated', from: node.id, to: from, write })
}

/** The leader counts each follower once; an answer to a write that was settled already changes nothing. */
export function countAcknowledgement(node: NaiveReplica, { from, write }: Replicated): void {
  const pending = node.pending.get(write)
  if (!pending) return
  pending.acknowledged.add(from)
  node.settle(pending)
}
