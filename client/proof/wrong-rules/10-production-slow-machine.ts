import { replaced, replacedIn } from '../../../src/stage.js'
import { heedElected } from '../../../stages/6-leader-election/terms.js'
import { appendBehindEdge } from '../../../stages/7-log-compaction/edge.js'
import { appendIfInTime, countApplied } from '../../../stages/10-production/slow-machine.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

const append = right.on.AppendEntries

/** Wrong ways to bear a slow state machine. */
export const wrongPatience: readonly WrongRule[] = [
  {
    name: 'log-without-end',
    what: 'a follower takes all entries, however slow its state machine is: they wait in its memory until there is none',
    stage: replacing({ on: { ...right.on, AppendEntries: replacedIn(append, appendIfInTime, appendBehindEdge) } }),
    caught: {
      claim:
        'a follower whose state machine is far behind takes no more entries, and those that it lacks when it has caught up',
    },
  },
  {
    name: 'deaf-while-behind',
    what: 'a follower that takes no entries does not hear its leader either: it takes it for dead, and asks for votes',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntries: replacedIn(append, heedElected, (node, message) => {
          if (!node.unapplied.isTooMuch) heedElected(node, message)
        }),
      },
    }),
    caught: { claim: 'it hears its leader meanwhile, and stands for no election' },
  },
  {
    name: 'never-in-time-again',
    what: 'what was performed still counts: a follower that was slow once takes no entries any more',
    stage: replacing({ applied: replaced(right.applied, countApplied) }),
    caught: {
      claim:
        'a follower whose state machine is far behind takes no more entries, and those that it lacks when it has caught up',
    },
  },
]
