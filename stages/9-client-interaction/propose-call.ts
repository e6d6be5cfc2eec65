import { commandPayload, type Request } from '../../src/contracts.js'
import { proposeFor } from '../4-log-replication/propose.js'
import { clusterTime } from './cluster-time.js'
import type { WriteEnvelope } from './envelope.js'
import type { Responder } from './responder.js'
import type { SessionCall } from './session-call.js'

/** A write becomes an entry, with the call of the session that it is. A write of no session is an entry as before. */
export function proposeCall(node: Responder, request: Request<unknown>): void {
  const envelope: WriteEnvelope = request.envelope ?? {}
  const index = proposeFor(node, request, commandPayload(request.command, callOf(node, envelope)))
  if (envelope.withIndex && index !== null) node.indexWanted.add(index)
}

function callOf(node: Responder, { session, sequence, firstOutstanding = 1 }: WriteEnvelope): SessionCall | undefined {
  if (session === undefined || sequence === undefined) return undefined
  return [session, sequence, firstOutstanding, clusterTime(node)]
}

/** Ends a turn: clients that asked for it are told the index of their entry, with the answer. */
export function tellIndexes({ role, indexWanted, effects }: Responder): void {
  if (indexWanted.size === 0) return
  for (const entry of effects.apply) if (indexWanted.delete(entry.index)) entry.fields = { index: entry.index }
  // Clients of a leader that was deposed were told so, and wait no more.
  if (role !== 'leader') indexWanted.clear()
}
