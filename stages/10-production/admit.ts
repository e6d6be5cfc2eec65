import { type Admission, payloadOf, type Request } from '../../src/contracts.js'
import { openSession } from '../9-client-interaction/open-session.js'
import { proposeBehind } from './guard.js'
import type { ProductionNode } from './production-node.js'

type Rule<C> = (node: ProductionNode, request: Request<C>) => void

/**
 * A leader proposes a command if there is room for it; otherwise it refuses, and nothing was done.
 *
 * The limit is asked here, and never where entries are performed: replicas must agree on what an entry does, and a
 * limit is a setting of one node. So a leader may propose only what fits whatever becomes of the rest: what is
 * performed, and all that may still be added by entries in its log, and this command, together are within the limit.
 * The next leader counts the same log. So no store grows past the limit, as long as all nodes have the same one; and
 * where they have not, all stores still hold the same.
 */
function ifAdmitted<C>(rule: Rule<C>, growthOf: (admission: Admission, command: C) => number): Rule<C> {
  const admitted = (node: ProductionNode, request: Request<C>) => {
    const { admission, role } = node
    if (!admission || admission.isOpen || role !== 'leader') return rule(node, request)
    const refusal = admission.refusal(growthOf(admission, request.command), underWay(node))
    if (refusal) return void node.effects.replies.push({ request: request.id, answer: refusal })
    rule(node, request)
    underWay(node)
  }
  return Object.defineProperty(admitted, 'name', { value: `${rule.name}, if there is room` })
}

/** A command of the application is proposed behind its guard, if there is room for it. */
export const proposeAdmitted = ifAdmitted(proposeBehind, (admission, command) => admission.growthOf(command))

/** A session is opened, if the disk has any room: it is an entry as well. */
export const openAdmitted = ifAdmitted(openSession, () => 0)

/**
 * Bytes by which the entries of the log that are not performed may let the state grow, at most. Each entry is counted
 * when it comes and when it has been performed, and all of them anew when an office begins.
 */
function underWay({ growth, log, term, applied, admission }: ProductionNode): number {
  if (growth.term !== term || growth.from < log.first - 1 || growth.upTo > log.last.index) {
    growth.of.clear()
    Object.assign(growth, { term, from: applied, upTo: applied, bytes: 0 })
  }
  for (growth.upTo = Math.max(growth.upTo, applied); growth.upTo < log.last.index; ) {
    const payload = payloadOf(log.at(++growth.upTo)!)
    const bytes = payload.kind === 'command' ? admission!.growthOf(payload.command) : 0
    growth.of.set(growth.upTo, bytes)
    growth.bytes += bytes
  }
  while (growth.from < applied) {
    growth.bytes -= growth.of.get(++growth.from) ?? 0
    growth.of.delete(growth.from)
  }
  return growth.bytes
}
