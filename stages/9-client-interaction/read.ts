import {
  type Failure,
  failure,
  type Index,
  type NodeId,
  type Request,
  type RequestId,
  type Term,
} from '../../src/contracts.js'
import type { ReadEnvelope } from './envelope.js'
import type { Responder } from './responder.js'

/** A client's read that waits for its answer. */
export interface Read {
  readonly request: RequestId
  readonly command: unknown
  /** True if the client takes an answer that may be old. */
  readonly isStale: boolean
  /** True if the client wants to know the index up to which the answer's store has performed the log. */
  readonly withIndex: boolean
  /** The tick at which the read came. */
  readonly since: number
  /** The entry that must have been performed before the read: at first the client's `atLeast`, then the read index. */
  index: Index
}

/** A round of confirmations: the leader has asked its followers whether it still leads. */
export interface Round {
  readonly number: number
  /** The commit index when the round began. */
  readonly readIndex: Index
  readonly reads: readonly Read[]
  /** Followers that asked for a read index before the round began, and the numbers of their questions. */
  readonly askers: ReadonlyMap<NodeId, number>
  readonly confirmedBy: Set<NodeId>
  /** The tick at which the followers were last asked. */
  askedAt: number
}

/** A follower's question to its leader for a read index. */
export interface Question {
  readonly number: number
  readonly leader: NodeId
  readonly term: Term
  readonly reads: readonly Read[]
  askedAt: number
}

/**
 * A read becomes no entry: it waits in the memory of the node that was asked, until the node may answer (thesis §6.4).
 * A stale read waits for nothing but its `atLeast`.
 */
export function read(node: Responder, { id: request, command, envelope = {} }: Request<unknown>): void {
  const { consistency, atLeast = 0, withIndex = false } = envelope as ReadEnvelope
  const isStale = consistency === 'stale'
  const one: Read = { request, command, isStale, withIndex, since: node.ticks, index: atLeast }
  if (isStale) makeReady(node, [one], 0)
  else node.fresh.push(one)
}

/** Lets reads be answered as soon as all entries up to the read index have been performed. */
export function makeReady(node: Responder, reads: readonly Read[], readIndex: Index): void {
  for (const one of reads) {
    one.index = Math.max(one.index, readIndex)
    node.readyAt = Math.min(node.readyAt, one.index)
    node.ready.push(one)
  }
}

/** Refuses reads. A read changes nothing, so the refusal is definite, and the client may ask again at once. */
export function refuseReads(node: Responder, reads: readonly Read[], code: Failure['code'], why: string): void {
  for (const { request } of reads)
    node.effects.replies.push({ request, answer: failure(code, why, { definite: true }) })
}
