import { replaced } from '../../../src/stage.js'
import { appendOwn } from '../../../stages/4-log-replication/propose.js'
import { membersOf } from '../../../stages/8-membership/configuration.js'
import { headerWithMembers } from '../../../stages/8-membership/found.js'
import { hearIntroduction } from '../../../stages/8-membership/introduce.js'
import { refuseLaterLog } from '../../../stages/10-production/features.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import { proposeFeatures } from '../../../stages/10-production/switch-on.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** A wrong rule: a majority that knows a feature is enough. */
export function proposeByMajority(node: ProductionNode): void {
  const { role, switches, log, commitIndex, term } = node
  if (role !== 'leader' || log.termAt(commitIndex) !== term || (switches.proposed?.index ?? 0) > commitIndex) return
  const members = membersOf(log.configuration.configuration)
  const having = (name: string) =>
    members.filter(
      ({ id, incarnation }) =>
        id === node.id || (switches.ofOthers.get(`${id} ${incarnation}`)?.includes(name) ?? false),
    )
  const isKnown = (name: string) => node.quorum.has(new Set(having(name).map(({ id }) => id)))
  const features = switches.known.filter((name) => !switches.on.has(name) && isKnown(name))
  if (features.length > 0) switches.proposed = appendOwn(node, { kind: 'features', features })
}

/** A wrong rule: the leader uses a feature as soon as it has proposed it. */
function onWhenProposed(node: ProductionNode): void {
  const before = node.switches.proposed
  proposeFeatures(node)
  const { proposed, on, known } = node.switches
  if (proposed && proposed !== before) for (const name of known) on.set(name, proposed.index)
}

export const wrongFeatures: readonly WrongRule[] = [
  {
    name: 'features-by-majority',
    what: 'a majority that knows a feature switches it on: the other members cannot read the log any more, and stop',
    stage: replacing({ tick: replaced(right.tick, proposeFeatures, proposeByMajority) }),
    caught: { claim: 'features are switched on by one entry, as soon as every member has said that it knows them' },
  },
  {
    name: 'features-when-proposed',
    what: 'the leader takes a feature for switched on when it proposes it: the entry may be taken back, and it goes on alone',
    stage: replacing({ tick: replaced(right.tick, proposeFeatures, onWhenProposed) }),
    caught: {
      claim: 'features are on where their entry is committed: one that was only proposed may be taken back',
    },
  },
  {
    name: 'newcomer-of-any-release',
    what: 'a newcomer of an earlier release is taken in: it stops at the first entry that it cannot read',
    stage: replacing({ on: { ...right.on, Introduction: hearIntroduction } }),
    caught: { claim: 'a newcomer that lacks a feature is refused, and nothing is changed' },
  },
  {
    name: 'features-not-in-snapshots',
    what: 'a snapshot does not say which features are on: a node that starts from it does other than the rest',
    stage: replacing({ verbs: { ...right.verbs, header: headerWithMembers } }),
    caught: { claim: 'features stay on behind a snapshot, at a restart, and at a node that was sent the snapshot' },
  },
  {
    name: 'later-log-unread',
    what: 'a node of an earlier release starts from a log that it cannot read, and does with it what it can',
    stage: replacing({ start: replaced(right.start, refuseLaterLog) }),
    caught: { claim: 'a node does not start from a log with a feature that it does not know, and says what to do' },
  },
]
