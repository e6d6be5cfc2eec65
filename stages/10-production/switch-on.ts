import { type EntryId, failure, type NodeId } from '../../src/contracts.js'
import { appendOwn } from '../4-log-replication/propose.js'
import { isHeard, isIntroduced, namedBy } from '../8-membership/change.js'
import { membersOf, type Server } from '../8-membership/configuration.js'
import { giveUp } from '../8-membership/end-change.js'
import { hearIntroduction } from '../8-membership/introduce.js'
import type { Introduction } from '../8-membership/messages.js'
import type { ProductionNode } from './production-node.js'

/**
 * The leader switches features on by one entry, as soon as **every** voter and learner knows them: a member that does
 * not could not read the log any more. It waits for members that are away, and for a change of members to end. It goes
 * by the hellos of nodes that answer now: one that is away may come back with an earlier release.
 */
export function proposeFeatures(node: ProductionNode): void {
  const { role, ticks, timing, change, handover, switches, log, commitIndex, term } = node
  if (role !== 'leader' || ticks % timing.heartbeatTicks !== 0 || change || handover) return
  const { index, configuration } = log.configuration
  // Behind a committed entry of its own term, it knows of all features that earlier leaders have switched on.
  if (index > commitIndex || configuration.outgoing || log.termAt(commitIndex) !== term || isOnItsWay(node)) return
  const members = membersOf(configuration)
  const isNew = (name: string) => !switches.on.has(name) && members.every((member) => knows(node, member, name))
  const features = switches.known.filter(isNew)
  if (features.length > 0) switches.proposed = idOf(appendOwn(node, { kind: 'features', features }))
}

const idOf = ({ index, term }: EntryId): EntryId => ({ index, term })

/** Checks whether this leader has proposed features that are not committed so far. */
function isOnItsWay({ switches: { proposed }, commitIndex, term }: ProductionNode): boolean {
  return proposed !== null && proposed.term === term && proposed.index > commitIndex
}

/** Checks whether a member answers, and has said that it knows a feature. */
function knows(node: ProductionNode, { id, incarnation }: Server, name: string): boolean {
  if (id === node.id) return true
  return isHeard(node, id) && (node.switches.ofOthers.get(`${id} ${incarnation}`)?.includes(name) ?? false)
}

/**
 * A newcomer that lacks features which are on, or are being switched on, is not taken in. One whose hello has not come
 * so far is asked again.
 */
export function hearEquipped(node: ProductionNode, message: Introduction): void {
  const { from, incarnation = '' } = message
  const needed = isNewcomer(node, from) ? neededBy(node) : []
  const features = node.switches.ofOthers.get(`${from} ${incarnation}`)
  if (needed.length > 0 && features === undefined) return
  const missing = needed.filter((name) => !features!.includes(name))
  if (missing.length > 0) refuseUnequipped(node, from, missing)
  else hearIntroduction(node, message)
}

function isNewcomer({ role, change }: ProductionNode, from: NodeId): boolean {
  return role === 'leader' && change !== null && namedBy(change).some((one) => one.id === from && !isIntroduced(one))
}

function neededBy(node: ProductionNode): readonly string[] {
  const { on, known } = node.switches
  return isOnItsWay(node) ? known : [...on.keys()]
}

function refuseUnequipped(node: ProductionNode, from: NodeId, missing: readonly string[]): void {
  const why = `${from} does not know ${missing.join(', ')}, which this cluster uses: run the release of the other nodes there`
  giveUp(node, node.change!, failure('feature_missing', why, { features: missing }))
}
