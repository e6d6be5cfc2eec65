import { commandPayload, type Index, type Request, type RequestId, type Status } from '../../src/contracts.js'
import type { NodeState } from '../../src/stage.js'

/** A node that performs commands: all of stage 0. */
export interface Server extends NodeState {
  /** Writes that went to the state machine so far: the index of the last write. */
  performed: Index
}

export function server() {
  return { role: 'standalone', leader: null, performed: 0 }
}

/** Hands a write to the state machine. `request` is the client of this node that waits for its result, if any. */
export function perform(node: Server, command: unknown, request: RequestId | null): void {
  node.effects.apply.push({ index: ++node.performed, term: 0, payload: commandPayload(command), request })
}

/** A write is performed here and now. No other node is told of it, and a crash forgets it. */
export function write(node: Server, request: Request<unknown>): void {
  perform(node, request.command, request.id)
}

/** A read is answered from this node's own store, after every write of the same turn that came before it. */
export function read(node: NodeState, { id: request, command }: Request<unknown>): void {
  node.effects.query.push({ command, request, behind: node.effects.apply.length })
}

/** The state machine has performed everything up to this index. */
export function noteApplied(node: NodeState, upTo: Index): void {
  node.applied = upTo
}

export function info(node: NodeState, request: Request): void {
  node.effects.replies.push({ request: request.id, answer: { ok: true, info: node.status() } })
}

export function ping(node: NodeState, request: Request): void {
  node.effects.replies.push({ request: request.id, answer: { ok: true } })
}

/** The status that `info` tells: the node's name, the leader that it knows, and the last index that it performed. */
export function status(node: NodeState): Status {
  const { id, stage, role, leader, applied, peers } = node
  return { id, stage, role, leader, applied, peers, ...node.about }
}
