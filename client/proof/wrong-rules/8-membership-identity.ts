import { replaced, replacedIn } from '../../../src/stage.js'
import { vote } from '../../../stages/6-leader-election/vote.js'
import { countNothing, dropOtherDisks, loseDisk, noticeLostDisk } from '../../../stages/8-membership/disks.js'
import { meetDouble } from '../../../stages/8-membership/double.js'
import { dropForeigners } from '../../../stages/8-membership/identity.js'
import { dropLaterTerms } from '../../../stages/8-membership/introduce.js'
import { noticeOlderDisk } from '../../../stages/8-membership/older-disk.js'
import { replacing, right } from './8-membership.js'
import type { WrongRule } from './wrong-rule.js'

/** Wrong ways to tell one cluster from another, and one disk from another. */
export const wrongIdentities: readonly WrongRule[] = [
  {
    name: 'clusters-known-by-name',
    what: 'who bears the cluster’s name is heard: a founder that lost its disk founds again, and its history is mixed with the first',
    stage: replacing({
      gate: replaced(right.gate, dropForeigners),
    }),
    caught: {
      claim: 'nothing that a node of another cluster says is heard, by anybody, whatever its term (E12)',
    },
  },
  {
    name: 'replaced-disks-acknowledge',
    what: 'what a replaced disk holds is counted, though it has no vote: one day all disks hold everything and nobody is elected',
    stage: replacing({
      on: { ...right.on, AppendEntriesReply: replacedIn(right.on.AppendEntriesReply, countNothing) },
    }),
    caught: { claim: 'what a replaced disk holds is not counted, and the leader says whose it is (E10)' },
  },
  {
    name: 'answers-counted-by-name',
    what: 'an answer counts for whoever bears a member’s name: the vote of an empty disk elects a leader that lacks what was committed',
    stage: replacing({
      gate: replaced(right.gate, dropOtherDisks),
    }),
    caught: {
      claim: 'a vote of another disk than the members know is not counted, and its term deposes nobody (E10)',
    },
  },
  {
    name: 'vote-given-to-a-name',
    what: 'a vote is given to a name: two nodes that bear it are both elected by one vote, in one term',
    stage: replacing({ on: { ...right.on, RequestVote: (node, message) => vote(node, message) } }),
    caught: { claim: 'a vote is given to a disk: another one under the same name has none of it' },
  },
  {
    name: 'newcomer-deposes-its-leader',
    what: 'a node that was removed, and is in a later term, deposes the leader that takes it in again',
    stage: replacing({
      gate: replaced(right.gate, dropLaterTerms),
    }),
    caught: {
      claim: 'a removed node that stood for election meanwhile does not depose the leader that takes it in again',
    },
  },
  {
    name: 'displaced-and-not-told',
    what: 'nobody tells a node that another disk has its place: it stands for election for ever',
    stage: replacing({ on: { ...right.on, Displaced: () => {} } }),
    caught: { claim: 'of two under one name, the one that is not admitted is told, and rests until it is' },
  },
  {
    name: 'double-not-told',
    what: 'nobody tells a copy of a folder that its original is heard instead: it stands for election for ever',
    stage: replacing({ met: replaced(right.met, meetDouble) }),
    caught: {
      claim: 'a copy of a folder that is told of its double rests, and goes on when nobody speaks of it any more',
    },
  },
  {
    name: 'older-disk-believed',
    what: 'a follower that lacks what it had acknowledged is sent it again, and counts meanwhile: what was committed may be gone',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntriesConflict: replacedIn(right.on.AppendEntriesConflict, noticeOlderDisk),
      },
    }),
    caught: { claim: 'a leader that hears less than a follower had acknowledged to it takes its disk for lost' },
  },
  {
    name: 'late-conflict-believed',
    what: 'a conflict that was on its way before the acknowledgement is taken for a lost disk: good nodes fall silent',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntriesConflict: replacedIn(right.on.AppendEntriesConflict, noticeOlderDisk, (node, message) => {
          const { from, conflictIndex, incarnation = '' } = message
          if (conflictIndex > (node.acknowledged.get(from)?.index ?? 0)) return
          loseDisk(node, from, incarnation, 'older')
          noticeLostDisk(node, message)
        }),
      },
    }),
    caught: { claim: 'a conflict that was on its way before the acknowledgement is no sign of that' },
  },
]
