import type { Request } from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { perform } from '../0-key-value-store/server.js'
import type { Replicate } from './messages.js'
import { redirect } from './redirect.js'
import type { NaiveReplica, Pending } from './replica.js'

/** A write: the leader sends it to every follower and waits; a follower sends the client to the leader. */
export function replicate(node: NaiveReplica, request: Request<unknown>): void {
  if (node.role !== 'leader') return redirect(node, request)
  const write = ++node.writes
  const pending: Pending = { write, request, acknowledged: new Set([node.id]), waited: 0 }
  node.pending.set(write, pending)
  for (const { id: to } of node.members) {
    if (to === node.id) continue
    send<Replicate>(node, { type: 'Replicate', from: node.id, to, write, command: request.command })
  }
  node.settle(pending)
}

/**
 * At a majority the leader performs the write itself and answers. It does not wait for the rest: a stopped follower
 * neither refuses nor answers. What the leader cannot do is take a write back from those that performed it already.
 */
export function settleAtMajority(node: NaiveReplica, pending: Pending): void {
  if (!node.quorum.has(pending.acknowledged)) return
  node.pending.delete(pending.write)
  perform(node, pending.request.command, pending.request.id)
}
