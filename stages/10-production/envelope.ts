import { failure } from '../../src/contracts.js'
import type { EnvelopeShape } from '../../src/stage.js'
import { envelopes, type WriteEnvelope } from '../9-client-interaction/envelope.js'

/** The fields beside a write: it may be passed on to the leader by the node that is asked. */
export interface ForwardEnvelope extends WriteEnvelope {
  readonly forward?: true
}

const { write } = envelopes

/** The shape of the fields beside a write. A call of a session is not passed on: its client asks the leader itself. */
const forwardable: EnvelopeShape = {
  takes: [...write.takes, { name: 'forward', optional: true, kind: 'flag' }],
  check(fields) {
    const { forward, ...others } = fields
    if (forward === undefined) return write.check(fields)
    if (forward !== true) return failure('bad_request', '"forward" must be true, or left out')
    if (others.session !== undefined) return failure('bad_request', '"forward" does not go with "session"')
    const checked = write.check(others)
    return checked.ok ? { ok: true, envelope: fields } : checked
  },
}

export const productionEnvelopes = { ...envelopes, write: forwardable }
