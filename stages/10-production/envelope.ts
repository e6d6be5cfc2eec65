import { failure, isPositive } from '../../src/contracts.js'
import type { EnvelopeShape } from '../../src/stage.js'
import { isNatural } from '../4-log-replication/messages.js'
import { envelopes, type WriteEnvelope } from '../9-client-interaction/envelope.js'
import type { Guard } from './guard.js'

/** The fields beside a write: it may be passed on to the leader by the node that is asked, and it may have a guard. */
export interface ForwardEnvelope extends WriteEnvelope, Guard {
  readonly forward?: true
}

const { write } = envelopes

/** The shape of the fields beside a write. */
const forwardable: EnvelopeShape = {
  takes: [
    ...write.takes,
    { name: 'forward', optional: true, kind: 'flag' },
    { name: 'prevLogIndex', optional: true, kind: 'number' },
    { name: 'prevLogTerm', optional: true, kind: 'number' },
  ],
  check(fields) {
    const { forward, prevLogIndex, prevLogTerm, ...others } = fields
    const problem = problemWith(fields)
    if (problem !== null) return failure('bad_request', problem)
    const checked = write.check(others)
    return checked.ok ? { ok: true, envelope: fields } : checked
  },
}

/** A guard does not go with a session: the first copy of a call would be the command that refuses the second. */
function problemWith({ forward, prevLogIndex: index, prevLogTerm: term, session }: Readonly<Record<string, unknown>>) {
  if (forward !== undefined && forward !== true) return '"forward" must be true, or left out'
  if (index !== undefined && !isNatural(index)) return '"prevLogIndex" must be a whole number from 0 on'
  if (term === undefined && index === undefined) return null
  if (index === undefined) return '"prevLogTerm" goes with "prevLogIndex"'
  if (session !== undefined) return '"prevLogIndex" does not go with "session"'
  if (term === undefined || (index === 0 ? term === 0 : isPositive(term))) return null
  return '"prevLogTerm" must be the term of the entry: a whole number from 1 on, or 0 where "prevLogIndex" is 0'
}

export const productionEnvelopes = { ...envelopes, write: forwardable }
