import { replaced } from '../../../src/stage.js'
import { holdSnapshots } from '../../../stages/7-log-compaction/let-go.js'
import { askBackup, holdCopied } from '../../../stages/10-production/backup.js'
import { refuseSnapshot, takeWishedSnapshot } from '../../../stages/10-production/snapshot-now.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** Wrong ways to give snapshots to clients. */
export const wrongBackups: readonly WrongRule[] = [
  {
    name: 'backup-of-what-is-here',
    what: 'a node backs up what it has at the moment: writes that were answered long ago may be missing',
    stage: replacing({
      requests: {
        ...right.requests,
        backup: (node, request) =>
          askBackup(node, { ...request, command: { ...request.command, consistency: 'stale' } }),
      },
    }),
    caught: {
      claim: 'a backup holds all that was committed when it was asked: the leader is confirmed first (thesis §6.4)',
    },
  },
  {
    name: 'copy-not-kept',
    what: 'a snapshot that a client copies goes with the next two: a backup of a busy cluster never comes to its end',
    stage: replacing({ turn: replaced(right.turn, holdCopied, holdSnapshots) }),
    caught: { claim: 'a snapshot that a client copies is kept, whatever newer ones have come' },
  },
  {
    name: 'copies-kept-for-ever',
    what: 'a snapshot is kept for a client that has gone: each backup that was given up takes its room for good',
    stage: replacing({
      turn: replaced(right.turn, holdCopied, (node) => {
        for (const [index, copy] of node.copies) node.copies.set(index, { ...copy, askedAt: node.ticks })
        holdCopied(node)
      }),
    }),
    caught: { claim: 'and it is let go when the client asks for no piece any more' },
  },
  {
    name: 'any-snapshot-will-do',
    what: 'a client that asks for a snapshot is told of one that was begun before: entries that it has seen are not in it',
    stage: replacing({
      turn: replaced(right.turn, takeWishedSnapshot, (node) => {
        const { snapshots } = node
        node.snapshotWishes = node.snapshotWishes.map((wish) => ({
          ...wish,
          upTo: Math.min(wish.upTo, snapshots[0]?.index ?? wish.upTo),
        }))
        takeWishedSnapshot(node)
      }),
    }),
    caught: {
      claim: 'a wish that comes while a snapshot is written waits for the next, if that one lacks entries',
    },
  },
  {
    name: 'wish-waits-for-room',
    what: 'a client whose snapshot had no room on the disk is told nothing: it waits for as long as the disk is full',
    stage: replacing({ saved: replaced(right.saved, refuseSnapshot) }),
    caught: { claim: 'where there is nothing to write down, or no room, the client is refused' },
  },
]
