import { insertedBefore, replaced } from '../../../src/stage.js'
import { vote } from '../../../stages/6-leader-election/vote.js'
import { advanceChange } from '../../../stages/8-membership/advance-change.js'
import { type Configuration, isSame } from '../../../stages/8-membership/configuration.js'
import { dropOtherDisks } from '../../../stages/8-membership/disks.js'
import { retire } from '../../../stages/8-membership/end-change.js'
import { dropLaterTerms } from '../../../stages/8-membership/introduce.js'
import { beLoyal, campaignIfVoter } from '../../../stages/8-membership/loyalty.js'
import type { Participant } from '../../../stages/8-membership/participant.js'
import { standing } from '../../../stages/8-membership/standing.js'
import { advancing, beginning, replacing, right, standingBy } from './8-membership.js'
import type { WrongRule } from './wrong-rule.js'

const isMember = ({ members }: Participant, id: string) => members.some((member) => member.id === id)

/** Wrong ways to leave a cluster, and to deal with nodes that have left. */
const wrongFarewells: readonly WrongRule[] = [
  {
    name: 'leader-leaves-at-once',
    what: 'a leader that is removed goes as soon as it has written that down: nobody else may ever have heard of it',
    stage: advancing((node) => {
      const isIn = ({ voters, outgoing }: Configuration) =>
        [...voters, ...(outgoing ?? [])].some((server) => isSame(server, node.self))
      advanceChange(node)
      if (node.role === 'leader' && !isIn(node.log.configuration.configuration)) retire(node)
    }),
    caught: {
      claim: 'a leader that is removed leads until that is committed, does not count itself, says so, and retires (E7)',
    },
  },
  {
    name: 'leader-never-leaves',
    what: 'a leader that was removed leads on: what it says is heeded, though it is no member',
    stage: advancing((node) => {
      const { role } = node
      advanceChange(node)
      if (role === 'leader' && node.isRemoved) Object.assign(node, { role, leader: node.id, isRemoved: false })
    }),
    caught: {
      claim: 'a leader that is removed leads until that is committed, does not count itself, says so, and retires (E7)',
    },
  },
  {
    name: 'removed-and-not-told',
    what: 'nobody tells a node that it was removed: it asks for votes for ever, in later and later terms',
    stage: replacing({ on: { ...right.on, Removed: () => {} } }),
    caught: { claim: 'it hears of it, and stands for election no more (E5)' },
  },
  {
    name: 'late-news-believed',
    what: 'who is told that it was removed believes it, however old that is: a member that was taken in again falls silent',
    stage: replacing({
      on: {
        ...right.on,
        Removed(node) {
          if (node.role !== 'leader') node.isRemoved = true
        },
      },
    }),
    caught: {
      claim: 'who comes back hears that it is wanted, whatever it was told, and late news does not count (E5)',
    },
  },
  {
    name: 'removed-and-still-connected',
    what: 'a node that was removed is kept in touch with for ever: each change leaves another connection behind',
    stage: advancing((node) => {
      if (node.departed?.toldAt) node.departed.toldAt = node.ticks
      advanceChange(node)
    }),
    caught: {
      claim:
        'who was removed is told once, and for a while it can be reached; then nothing is sent to it any more (E16)',
    },
  },
  {
    name: 'everybody-is-heeded',
    what: 'who asks for votes in a later term is heard, also while a leader is: one that was removed deposes them all',
    stage: replacing({
      messages: { ...right.messages, RequestVote: { ...right.messages.RequestVote, kind: 'asks who' } },
    }),
    caught: { claim: 'one that has not heard of it disturbs nobody: it is told when it asks for votes (E5)' },
  },
  {
    name: 'strangers-answers-heeded',
    what: 'an answer counts whoever gives it: one that was removed deposes the leader with the later term that it is in',
    stage: replacing({
      gate: replaced(replaced(right.gate, dropOtherDisks), dropLaterTerms),
    }),
    caught: { claim: 'a node that was removed and hears an old append in a later term of its own deposes nobody (E5)' },
  },
  {
    name: 'only-members-are-heard',
    what: 'a candidate that is no member as far as this node knows is not heard: it may know better, and be the only one',
    stage: replacing({
      gate: insertedBefore(
        right.gate,
        beLoyal,
        (node, { from }, { kind }) => kind !== 'campaigns' || isMember(node, from),
      ),
    }),
    caught: {
      claim:
        'a candidate that is no member, with a better log, is heard when no leader is: it may have been taken in (E6)',
    },
  },
  {
    name: 'only-voters-stand',
    what: 'a node that is not in its latest configuration does not stand: it may be the only one that can complete it',
    stage: standingBy((node) => {
      if (standing(node) === 'voter') campaignIfVoter(node)
    }),
    caught: { claim: 'one whose removal is not committed may still stand: it may be needed for it (E6, thesis 4.2.2)' },
  },
  {
    name: 'lone-voter-hurries',
    what: 'a node that needs nobody stands at every tick: with a disk that takes longer than that, it is never elected',
    stage: standingBy((node) => {
      if (standing(node) === 'voter' && node.leader === null && node.quorum.has(new Set([node.id])))
        node.silentTicks = node.electionTimeoutTicks
      campaignIfVoter(node)
    }),
    caught: { claim: 'who is alone and has a slow disk stands once and waits for it, as anybody does' },
  },
]

/** Wrong ways to deal with a disk that was lost. */
const wrongDisks: readonly WrongRule[] = [
  {
    name: 'vote-of-a-lost-disk',
    what: 'a node that lost its disk votes under its old name: it has forgotten what it had promised, and what it had',
    stage: replacing({ on: { ...right.on, RequestVote: vote } }),
    // A candidate does not count the vote of a lost disk either, so one wrong rule alone breaks no guarantee.
    caught: { claim: 'who lost its disk neither votes nor stands, however long it waits (E10)' },
  },
  {
    name: 'name-is-enough',
    what: 'who was a voter by its name is one again as soon as it runs: its new disk is counted for what the old one held',
    stage: beginning((node) => {
      const { id } = node.self
      Object.assign(node, { self: { ...node.self, incarnation: id } })
    }),
    caught: { claim: 'when it is taken in anew, its old vote goes first; then it is a voter again (E10)' },
  },
]

/** Wrong rules for a cluster that has been left, or whose nodes lose their disks. */
export const wrongDepartures: readonly WrongRule[] = [...wrongFarewells, ...wrongDisks]
