import { failure, type Request } from '../../../src/contracts.js'
import type { Stage } from '../../../src/stage.js'
import { proposeCall } from '../../../stages/9-client-interaction/propose-call.js'
import type { ForwardEnvelope } from '../../../stages/10-production/envelope.js'
import { proposeBehind } from '../../../stages/10-production/guard.js'
import { heldRequests } from '../../../stages/10-production/hold.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import { takeForward, takeForwardRequest } from '../../../stages/10-production/take-forward.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

type Ask = (node: ProductionNode, request: Request<unknown>, guard: ForwardEnvelope) => void

/** A stage whose leaders take writes with a guard by another rule. */
function guarding(ask: Ask): Stage {
  const write = (node: ProductionNode, request: Request<unknown>) => {
    const guard = (request.envelope ?? {}) as ForwardEnvelope
    if (guard.prevLogIndex === undefined || node.role !== 'leader') heldRequests.write(node, request)
    else ask(node, request, guard)
  }
  return replacing({ requests: { ...right.requests, write } })
}

function refuse(node: ProductionNode, { id: request }: Request<unknown>): void {
  const last = { index: node.log.last.index, term: node.log.last.term }
  node.effects.replies.push({ request, answer: failure('guard_failed', 'the log has gone on', { last }) })
}

/** A wrong rule: the end of what is committed is taken for the end of the log. */
const byCommitted: Ask = (node, request, { prevLogIndex }) => {
  if (prevLogIndex! < node.commitIndex) refuse(node, request)
  else proposeCall(node, request)
}

/** A wrong rule: the place must be the very end of the log. */
const byVeryLast: Ask = (node, request, { prevLogIndex }) => {
  if (prevLogIndex === node.log.last.index) proposeBehind(node, request)
  else refuse(node, request)
}

/** A wrong rule: the index alone names the place. */
const byIndex: Ask = (node, request, { prevLogIndex }) =>
  proposeBehind(node, { ...request, envelope: { prevLogIndex } })

/** A wrong rule: a place before the log's beginning is believed. */
const byBelief: Ask = (node, request, { prevLogIndex }) => {
  if (prevLogIndex! < node.log.first - 1) proposeCall(node, request)
  else proposeBehind(node, request)
}

/** A wrong rule: what waits for the end of a hand-over is compared when it comes. */
const beforeHolding: Ask = (node, request) => {
  if (!node.handover) return proposeBehind(node, request)
  node.handover.held.push(() => proposeCall(node, request))
}

export const wrongGuards: readonly WrongRule[] = [
  {
    name: 'guard-by-commit',
    what: 'the leader compares with the last committed entry: two clients in one turn are both behind it',
    stage: guarding(byCommitted),
    caught: {
      claim: 'of two clients that name one entry one is refused, also while the entry of the other is not committed',
    },
  },
  {
    name: 'guard-by-last-entry',
    what: 'the cluster’s own entries count: after an election every client is refused, and sees nothing new to name',
    stage: guarding(byVeryLast),
    caught: {
      claim: 'entries of the cluster’s own do not count: a client that never sees them names the last command',
    },
  },
  {
    name: 'guard-without-term',
    what: 'an index is enough: a client that has seen an entry which was taken back stands behind another one',
    stage: guarding(byIndex),
    caught: {
      claim: 'an index with another term is another entry: the one that the client names was taken back',
    },
  },
  {
    name: 'guard-believed',
    what: 'a place that is only in a snapshot is believed: the commands behind it may be in the snapshot as well',
    stage: guarding(byBelief),
    caught: {
      claim: 'behind a place that a snapshot holds nobody can look: it is refused, and the end of the log is named',
    },
  },
  {
    name: 'guard-before-holding',
    what: 'the leader compares when a request comes, and proposes when its hand-over has failed: others were in between',
    stage: guarding(beforeHolding),
    caught: { claim: 'a command that waits for the end of a hand-over is compared then' },
  },
  {
    name: 'guard-not-passed-on',
    what: 'a command is passed on without its place: only clients of the leader are guarded',
    stage: replacing({
      on: {
        ...right.on,
        ForwardRequest: (node, message) => {
          if (message.entries.length > 0) takeForward(node, { ...message, type: 'Forward' })
          else takeForwardRequest(node, message)
        },
      },
    }),
    caught: { claim: 'a node that passes a command on passes its place on, and the leader compares' },
  },
]
