import { replaced, replacedIn, type Stage } from '../../../src/stage.js'
import { nextAfterConflict } from '../../../stages/4-log-replication/acknowledge.js'
import type { AppendEntriesConflict, AppendEntriesReply } from '../../../stages/4-log-replication/messages.js'
import { continueAt, isBehind, type Progress } from '../../../stages/4-log-replication/progress.js'
import type { LeaderConfirmed } from '../../../stages/9-client-interaction/messages.js'
import { handOver } from '../../../stages/10-production/hand-over.js'
import { extendLease, letLeasesEnd, readByLease } from '../../../stages/10-production/lease.js'
import { goBack, type Pipeline } from '../../../stages/10-production/pipeline.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import { countArrived, rewind } from '../../../stages/10-production/replicate-ahead.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose leaders hear refusals of entries by another rule. */
function rewinding(hear: (node: ProductionNode, message: AppendEntriesConflict) => void): Stage {
  const { AppendEntriesConflict: before } = right.on
  return replacing({ on: { ...right.on, AppendEntriesConflict: replacedIn(before, rewind, hear) } })
}

/** A stage whose leaders count acknowledgements by another rule. */
function counting(count: (node: ProductionNode, message: AppendEntriesReply) => void): Stage {
  const { AppendEntriesReply: before } = right.on
  return replacing({ on: { ...right.on, AppendEntriesReply: replacedIn(before, countArrived, count) } })
}

/** A stage whose leaders send entries to a follower when another rule says so. */
function sendingIf(isDue: (node: ProductionNode, progress: Progress) => boolean): Stage {
  return replacing({ verbs: { ...right.verbs, isDue } })
}

/** A stage whose leases begin by another rule. */
function leasing(extend: (node: ProductionNode, message: LeaderConfirmed) => void): Stage {
  const { LeaderConfirmed: before } = right.on
  return replacing({ on: { ...right.on, LeaderConfirmed: replacedIn(before, extendLease, extend) } })
}

const pipelineOf = (node: ProductionNode, from: string) =>
  node.role === 'leader' ? (node.progress.get(from) as Pipeline | undefined) : undefined

/** Wrong ways to keep several messages under way. */
const wrongPipelines: readonly WrongRule[] = [
  {
    name: 'window-without-a-bound',
    what: 'a leader sends on whatever is under way: a paused follower is sent the whole log, again and again',
    stage: sendingIf((node, progress) => {
      if (isBehind(progress, node)) (progress as Pipeline).inFlight.length = 0
      return isBehind(progress, node)
    }),
    caught: {
      claim:
        'a far follower is sent several messages, one for each tick that its answers take; none is sent twice (§10.2.1)',
    },
  },
  {
    name: 'not-rewound',
    what: 'a leader goes on behind what it has sent, though a message was lost: the follower never gets its entries',
    stage: rewinding((node, { from, sequence }) => {
      const progress = pipelineOf(node, from)
      if (progress) progress.settled = Math.max(progress.settled, sequence)
    }),
    caught: { claim: 'a heartbeat finds out that the last message was lost' },
  },
  {
    name: 'rewound-by-each-refusal',
    what: 'each refusal of what was behind a lost message takes the leader back: the same entries leave many times',
    stage: rewinding((node, message) => {
      const progress = pipelineOf(node, message.from)
      if (!progress) return
      goBack(progress, node, nextAfterConflict(node, message))
      progress.inFlight.length = 0
      node.replicate(message.from)
    }),
    caught: {
      claim: 'a lost message takes the leader back once: what was behind it is void, and nothing is sent twice for it',
    },
  },
  {
    name: 'match-from-what-was-sent',
    what: 'any answer of a follower counts for all that was sent to it: entries are committed that no majority has',
    stage: counting((node, message) => {
      const progress = pipelineOf(node, message.from)
      const matchIndex = progress ? Math.max(message.matchIndex, progress.nextIndex - 1) : message.matchIndex
      countArrived(node, { ...message, matchIndex: Math.min(matchIndex, node.log.last.index) })
    }),
    caught: { claim: 'an answer counts up to what it verified, and what has left behind it is not sent again' },
  },
  {
    name: 'optimistic-while-probing',
    what: 'a new leader sends on before it knows where the logs agree: a follower with another log gets one refusal a message',
    stage: replacing({
      verbs: {
        ...right.verbs,
        track(node) {
          const progress = right.verbs.track(node) as Pipeline
          progress.isProbing = false
          progress.pace.wayTicks = 64
          return progress
        },
      },
    }),
    caught: { claim: 'while the leader probes, one message is under way' },
  },
  {
    name: 'back-behind-what-is-there',
    what: 'a late answer takes the leader back to the entry that it names: a follower is sent what it has long since',
    stage: counting((node, message) => {
      countArrived(node, message)
      const progress = pipelineOf(node, message.from)
      if (progress) continueAt(progress, message.matchIndex + 1)
    }),
    caught: { claim: 'an answer counts up to what it verified, and what has left behind it is not sent again' },
  },
]

/** Wrong leases. */
const wrongLeases: readonly WrongRule[] = [
  {
    name: 'lease-from-its-confirmation',
    what: 'a lease is counted from the answers, not from the questions: the voters have heard the leader long before',
    stage: leasing((node, message) => {
      const before = node.round
      extendLease(node, message)
      if (before !== null && node.round === null) node.lease.until = node.machineClock.now() + node.timing.leaseMs
    }),
    caught: {
      claim: 'a round that a majority has confirmed begins a lease, counted from the beginning of the round (§6.4.1)',
    },
  },
  {
    name: 'lease-beyond-the-time-out',
    what: 'a lease lasts longer than the voters are loyal: another leader writes, and the old one reads what was before',
    stage: leasing((node, message) => {
      const { until } = node.lease
      extendLease(node, message)
      if (node.lease.until !== until) node.lease.until += 10 * node.timing.leaseMs
    }),
    caught: {
      claim: 'a round that a majority has confirmed begins a lease, counted from the beginning of the round (§6.4.1)',
    },
  },
  {
    name: 'lease-kept-while-handing-over',
    what: 'a leader that has told its successor to stand reads on by its lease, while the successor writes',
    stage: replacing({
      turn: replaced(right.turn, handOver, (node) => {
        const { barredIn } = node.lease
        handOver(node)
        node.lease.barredIn = barredIn
      }),
    }),
    caught: { claim: 'a leader that has told its successor to stand has no lease, nor ever again in that term' },
  },
  {
    name: 'lease-of-a-former-term',
    what: 'a node keeps the lease of an office that it lost: elected again, it reads before it knows what was committed',
    stage: replacing({
      turn: replaced(right.turn, readByLease, (node) => {
        if (node.timing.leaseMs > 0) node.lease.term = node.term
        if (node.role !== 'leader' && node.machineClock.now() < node.lease.until) {
          node.role = 'leader'
          readByLease(node)
          node.role = 'follower'
        } else readByLease(node)
      }),
    }),
    caught: { claim: 'a lease ends with the office' },
  },
  {
    name: 'lease-forgotten-by-a-start',
    what: 'a voter that has just started votes at once: it may have confirmed a leader, whose lease still runs',
    stage: replacing({ gate: replaced(right.gate, letLeasesEnd) }),
    caught: {
      claim: 'where there are leases, a node that has just started hears no candidate for an election time-out',
    },
  },
]

export const wrongPipelineRules: readonly WrongRule[] = [...wrongPipelines, ...wrongLeases]
