import { inOrder, replaced } from '../../../src/stage.js'
import { heedElected } from '../../../stages/6-leader-election/terms.js'
import { performCompared, stopDiffering, sumAnew } from '../../../stages/10-production/compare-results.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import { performForwarded } from '../../../stages/10-production/take-forward.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

export const wrongComparisons: readonly WrongRule[] = [
  {
    name: 'leader-is-always-right',
    what: 'a leader takes its own results for right: when it is the one that differs, all the others stop',
    stage: replacing({
      on: {
        ...right.on,
        ResultSum: (node, message) => {
          const own = node.sums.heard.get(message.index)?.get(node.id)
          if (own === undefined || own === message.sum) return
          const { id: from, term } = node
          node.effects.send.push({ type: 'ResultsDiffer', from, to: message.from, term, index: message.index } as never)
        },
      },
    }),
    caught: { claim: 'a leader that differs stops as well' },
  },
  {
    name: 'verdict-ignored',
    what: 'a node that differs goes on: its answers are wrong, and it may lead',
    stage: replacing({
      on: { ...right.on, ResultsDiffer: inOrder(heedElected, (node, message) => void [stopDiffering, node, message]) },
    }),
    caught: { claim: 'a node whose sum is another than that of a quorum must stop, and says which entries it were' },
  },
  {
    name: 'half-a-window',
    what: 'a node that starts behind a snapshot sums what is left of a window: it differs from all others, and must stop',
    stage: replacing({
      start: [
        ...right.start,
        (node: ProductionNode) => {
          node.sums.since = 1
        },
      ],
      restored: replaced(right.restored, sumAnew),
    }),
    caught: { claim: 'a node that starts behind a snapshot says nothing of the window in which it begins' },
  },
  {
    name: 'nothing-compared',
    what: 'nobody compares: replicas that differ answer as long as nobody looks',
    stage: replacing({ perform: replaced(right.perform, performCompared, performForwarded) }),
    caught: {
      claim: 'each follower tells its leader the sum of each window of entries, and equal results have equal sums',
    },
  },
]
