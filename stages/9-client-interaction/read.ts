import { type Failure, failure, type Index, type Request } from '../../src/contracts.js'
import type { ReadEnvelope } from './envelope.js'
import type { PendingRead } from './pending-read.js'
import type { Responder } from './responder.js'

/**
 * A read becomes no entry: it waits in the memory of the node that was asked, until the node may answer (thesis §6.4).
 * A stale read waits for nothing but its `atLeast`.
 */
export function read(node: Responder, { id: request, command, envelope = {} }: Request<unknown>): void {
  const { consistency, atLeast = 0, withIndex = false } = envelope as ReadEnvelope
  const isStale = consistency === 'stale'
  const one: PendingRead = { request, command, isStale, withIndex, since: node.ticks, index: atLeast }
  if (isStale) makeReady(node, [one], 0)
  else node.fresh.push(one)
}

/** Lets reads be answered as soon as all entries up to the read index have been performed. */
export function makeReady(node: Responder, reads: readonly PendingRead[], readIndex: Index): void {
  for (const one of reads) {
    one.index = Math.max(one.index, readIndex)
    node.readyAt = Math.min(node.readyAt, one.index)
    node.ready.push(one)
  }
}

/** Refuses reads. A read changes nothing, so the refusal is definite, and the client may ask again at once. */
export function refuseReads(node: Responder, reads: readonly PendingRead[], code: Failure['code'], why: string): void {
  for (const { request } of reads)
    node.effects.replies.push({ request, answer: failure(code, why, { definite: true }) })
}
