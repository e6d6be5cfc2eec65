import type { Application } from '../../src/application.js'
import { shape } from '../../src/command-shape.js'
import { failure } from '../../src/contracts.js'
import { type EnvelopeShape, inEnvelopes } from '../../src/envelopes.js'
import { type Stage, stage } from '../../src/stage.js'
import type { ProductionMessage } from '../../stages/10-production/messages.js'
import type { ProductionNode } from '../../stages/10-production/production-node.js'
import production from '../../stages/10-production/stage.js'

/** The field beside a request of the node itself: it may be passed on to the leader. */
const forwardable: EnvelopeShape = {
  takes: [{ name: 'forward', optional: true, kind: 'flag' }],
  check(fields) {
    if (fields.forward === true) return { ok: true, envelope: fields }
    return failure('bad_request', '"forward" must be true, or left out')
  },
}

/**
 * The stage of nodes inside programs: the last one, with what a program may ask that a client on a socket may not.
 *
 * @param table another one in the place of the right one, for tests
 */
export function stageOf(application: Application, table = production.table): Stage {
  const commands = {
    ...inEnvelopes(table.commands, { write: forwardable }),
    snapshot_now: shape('snapshot_now', {}, { help: 'take a snapshot of this node now', readOnly: true }),
  }
  return stage<ProductionNode, ProductionMessage>({ ...table, application, commands })
}
