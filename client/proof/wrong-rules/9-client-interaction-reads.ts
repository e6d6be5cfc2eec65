import type { Request } from '../../../src/contracts.js'
import { replaced, type Stage } from '../../../src/stage.js'
import { askReadIndex, hearReadIndexReply } from '../../../stages/9-client-interaction/ask-read-index.js'
import type { LeaderConfirmed } from '../../../stages/9-client-interaction/messages.js'
import { makeReady, read } from '../../../stages/9-client-interaction/read.js'
import {
  beginRound,
  countConfirmation,
  hearReadIndex,
  leaveReads,
  repeatRound,
} from '../../../stages/9-client-interaction/read-index.js'
import { type Responder, responder } from '../../../stages/9-client-interaction/responder.js'
import { serveReads } from '../../../stages/9-client-interaction/serve-reads.js'
import { replacing, right } from './9-client-interaction.js'
import type { WrongRule } from './wrong-rule.js'

/** A stage whose leaders begin a round by another rule. */
function beginning(begin: (node: Responder) => void): Stage {
  return replacing({ turn: replaced(right.turn, beginRound, begin) })
}

/** A stage whose leaders count confirmations by another rule. */
function counting(count: (node: Responder, message: LeaderConfirmed) => void): Stage {
  return replacing({ on: { ...right.on, LeaderConfirmed: count } })
}

/** A stage whose nodes serve reads by another rule. */
function serving(serve: (node: Responder) => void): Stage {
  return replacing({ turn: replaced(right.turn, serveReads, serve) })
}

/** A stage whose nodes take other fields beside a read than the client gave. */
function reading(envelopeOf: (envelope: Request['envelope']) => Request['envelope'] & object): Stage {
  const wrong = (node: Responder, request: Request<unknown>) =>
    read(node, { ...request, envelope: envelopeOf(request.envelope) })
  return replacing({ requests: { ...right.requests, read: wrong } })
}

/** Begins a round, whatever is committed. */
function openRound(node: Responder): void {
  const { fresh: reads, askers, commitIndex: readIndex, id, peers: asked } = node
  if (node.role !== 'leader' || node.round || (reads.length === 0 && askers.size === 0)) return
  const askedAt = Number.NEGATIVE_INFINITY
  node.round = { number: ++node.lastRound, readIndex, reads, askers, asked, confirmedBy: new Set([id]), askedAt }
  node.fresh = []
  node.askers = new Map()
  repeatRound(node)
}

/** Wrong ways for a leader to answer reads. */
const wrongRounds: readonly WrongRule[] = [
  {
    name: 'reads-confirmed-by-nobody',
    what: 'a leader answers reads from its own store and asks nobody whether it still leads: another may, long since',
    stage: beginning((node) => {
      if (node.role !== 'leader') return
      makeReady(node, node.fresh, node.commitIndex)
      node.fresh = []
      beginRound(node)
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 100 },
  },
  {
    name: 'reads-before-own-entry',
    what: 'a new leader takes its commit index for what is committed: it knows of less than its predecessor had answered',
    stage: beginning(openRound),
    caught: { guarantee: 'G12', climate: 'churn', seeds: 40 },
  },
  {
    name: 'one-confirmation-is-enough',
    what: 'whoever confirms a leader confirms it for all: a node that was cut off with it knows no more than it does',
    stage: counting((node, message) => {
      if (node.round?.number === message.round) for (const peer of node.peers) node.round.confirmedBy.add(peer)
      countConfirmation(node, message)
    }),
    caught: { claim: 'a leader answers a read when a majority has said since that it leads (step 3)' },
  },
  {
    name: 'confirmed-by-earlier-rounds',
    what: 'answers to an earlier round count: they were given before the read came, and somebody else leads now',
    stage: counting((node, message) =>
      countConfirmation(node, { ...message, round: node.round?.number ?? message.round }),
    ),
    caught: { claim: 'an answer to an earlier round says nothing of this one' },
  },
  {
    name: 'late-reads-share-the-round',
    what: 'a read that comes while a round is under way is answered with it: its messages left before the read came',
    stage: beginning((node) => {
      if (node.role === 'leader' && node.round) {
        node.round = { ...node.round, reads: [...node.round.reads, ...node.fresh] }
        node.fresh = []
      }
      beginRound(node)
    }),
    caught: { claim: 'a read that comes while a round is under way waits for the next' },
  },
  {
    name: 'late-questions-share-the-round',
    what: 'a follower that asks while a round is under way is answered with it: the index is from before it asked',
    stage: replacing({
      on: {
        ...right.on,
        ReadIndex(node, message) {
          if (node.role === 'leader' && node.round)
            node.round = { ...node.round, askers: new Map([...node.round.askers, [message.from, message.question]]) }
          else hearReadIndex(node, message)
        },
      },
    }),
    caught: { claim: 'a follower that asks while a round is under way waits for the next' },
  },
  {
    name: 'always-the-same-followers',
    what: 'a round asks the followers that answered the last one, and never the others: once those are dead, no read is answered',
    stage: replacing({
      tick: replaced(right.tick, repeatRound, (node) => {
        const asked = node.round?.asked
        repeatRound(node)
        if (!node.round || !asked || asked.length === node.peers.length) return
        node.round.asked = asked
        node.effects.send = node.effects.send.filter(({ type, to }) => type !== 'ConfirmLeader' || asked.includes(to))
      }),
    }),
    caught: { claim: 'a round asks a majority, and at the next tick all others if one of them is silent' },
  },
  {
    name: 'deposed-leaves-reads-waiting',
    what: 'a deposed leader says nothing to the reads of its round: their clients wait for nothing until it is too late',
    stage: replacing({
      turn: replaced(right.turn, leaveReads, (node) => {
        if (node.role !== 'leader') node.round = null
      }),
    }),
    caught: { claim: 'a leader that loses its office refuses the reads that wait, for certain: they did no harm' },
  },
]

/** Wrong ways for a node to answer reads from its own store. */
const wrongReadings: readonly WrongRule[] = [
  {
    name: 'read-before-performed',
    what: 'a node answers as soon as it knows the read index: what is committed is not in its store yet',
    stage: serving((node) => {
      for (const one of node.ready) if (!one.isStale) one.index = 0
      node.readyAt = 0
      serveReads(node)
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 10 },
  },
  {
    name: 'follower-reads-by-its-own-index',
    what: 'a follower answers by its own commit index and asks nobody: it may be far behind, and cut off',
    stage: replacing({
      turn: replaced(right.turn, askReadIndex, (node) => {
        if (node.role === 'leader') return
        makeReady(node, node.fresh, node.commitIndex)
        node.fresh = []
      }),
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 10 },
  },
  {
    name: 'questions-from-one',
    what: 'a follower numbers its questions from 1 in each life: it believes an answer that its last life was to have',
    stage: replacing({ state: (options) => ({ ...responder(options), lastQuestion: 0 }) }),
    caught: { claim: 'an answer to a question of an earlier life counts for nothing' },
  },
  {
    name: 'any-answer-believed',
    what: 'a follower takes any read index for the one that it asked for: a late one is from before the read came',
    stage: replacing({
      on: {
        ...right.on,
        ReadIndexReply: (node, message) =>
          hearReadIndexReply(node, { ...message, question: node.question?.number ?? message.question }),
      },
    }),
    caught: { claim: 'an answer to another question counts for nothing' },
  },
  {
    name: 'all-reads-stale',
    what: 'whoever is asked answers from its own store at once, also who was not asked for a stale answer',
    stage: reading((envelope) => ({ ...envelope, consistency: 'stale' })),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 10 },
  },
  {
    name: 'at-least-ignored',
    what: 'a node does not wait for the entry that the client named: who has just written does not find it',
    stage: reading((envelope) => ({ ...envelope, atLeast: 0 })),
    caught: {
      claim: 'a read waits until as much is performed as its client asks for, and is refused for certain if never',
    },
  },
  {
    name: 'stale-answers-not-labelled',
    what: 'a stale answer does not say that it is one: nobody can tell it from a fresh one, or how old it is',
    stage: serving((node) => {
      serveReads(node)
      node.effects.query = node.effects.query.map(({ command, request, behind }) => ({ command, request, behind }))
    }),
    caught: { claim: 'a stale read is answered by whoever is asked, and says what it holds and how old that may be' },
  },
]

/** Wrong rules for reads that are no entries. */
export const wrongReads: readonly WrongRule[] = [...wrongRounds, ...wrongReadings]
