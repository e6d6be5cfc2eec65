import type { Message } from '../../../src/contracts.js'
import {
  insertedBefore,
  replaced,
  replacedIn,
  type Stage,
  type StageTable,
  sendWhenDurable,
  stage,
} from '../../../src/stage.js'
import { appendEntries } from '../../../stages/4-log-replication/append-entries.js'
import type { AppendEntriesReply, ReplicationMessage } from '../../../stages/4-log-replication/messages.js'
import { hearTerm } from '../../../stages/4-log-replication/term.js'
import { heartbeat } from '../../../stages/5-heartbeats/heartbeat.js'
import type { Listener } from '../../../stages/5-heartbeats/listener.js'
import { heed, noticeSilence } from '../../../stages/5-heartbeats/silence.js'
import heartbeats from '../../../stages/5-heartbeats/stage.js'
import type { WrongRule } from './wrong-rule.js'

const right = heartbeats.table

function replacing(rules: Partial<StageTable<Listener, ReplicationMessage>>): Stage {
  return stage<Listener, ReplicationMessage>({ ...right, ...rules })
}

/** A stage whose leader sends heartbeats by another rule. */
function beating(wrong: (node: Listener) => void): Stage {
  return replacing({ tick: replaced(right.tick, heartbeat, wrong) })
}

/** Wrong ways to send heartbeats and to notice their absence. */
export const wrongHeartbeats: readonly WrongRule[] = [
  {
    name: 'heartbeat-without-commit-index',
    what: 'a heartbeat does not say how far the cluster has committed: followers perform the last write when the next one comes',
    stage: beating((node) => {
      const { send } = node.effects
      const before = send.length
      heartbeat(node)
      send.push(...send.splice(before).map((message): Message => Object.assign({ ...message }, { leaderCommit: 0 })))
    }),
    caught: { guarantee: 'G6', climate: 'calm', seeds: 5 },
  },
  {
    name: 'heartbeat-not-checked',
    what: 'a follower says yes to a message without entries, whatever comes before: it vouches for what it does not have',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntries: replacedIn(right.on.AppendEntries, appendEntries, (node, message) => {
          if (message.entries.length > 0) return appendEntries(node, message)
          const { from: to, sequence, prevLogIndex: matchIndex } = message
          const { id: from, term } = node
          sendWhenDurable<AppendEntriesReply>(node, {
            type: 'AppendEntriesReply',
            from,
            to,
            term,
            sequence,
            matchIndex,
          })
        }),
      },
    }),
    caught: { guarantee: 'G8', climate: 'storm', seeds: 40 },
  },
  {
    name: 'heartbeat-says-it-all-again',
    what: 'every heartbeat carries whatever has no answer yet: a slow follower is buried under copies of it',
    stage: beating((node) => {
      if (node.role !== 'leader' || ++node.quietTicks < node.timing.heartbeatTicks) return
      node.quietTicks = 0
      for (const to of node.progress.keys()) node.replicate(to)
    }),
    caught: { claim: 'while entries are under way, a heartbeat carries none' },
  },
  {
    name: 'heartbeat-walks-back-anew',
    what: 'every heartbeat starts from the end of the log again: a follower far behind never gets as far as it must',
    stage: beating((node) => {
      const isDue = node.quietTicks + 1 >= node.timing.heartbeatTicks
      for (const progress of isDue ? node.progress.values() : []) progress.nextIndex = node.log.last.index + 1
      heartbeat(node)
    }),
    caught: { claim: 'a heartbeat does not start the search for the common entry anew' },
  },
  {
    name: 'silence-unnoticed',
    what: 'followers believe in their leader for ever: they send clients to a node that is dead',
    stage: replacing({ tick: replaced(right.tick, noticeSilence) }),
    caught: { scenario: 'H5' },
  },
  {
    name: 'silence-for-good',
    what: 'a follower that has once missed its leader does not believe in it again: a short silence lasts for ever',
    stage: replacing({
      on: {
        ...right.on,
        AppendEntries: replacedIn(right.on.AppendEntries, heed, (node, message) => {
          if (node.leader !== null) heed(node, message)
        }),
      },
    }),
    caught: { claim: 'a leader that is heard again is the leader again (H5)' },
  },
  {
    name: 'earlier-life-breaks-the-silence',
    what: "a late message from an earlier life of the leader counts as a sign of life: a dead leader's words keep it alive",
    stage: replacing({
      gate: insertedBefore(right.gate, hearTerm, (node, message, { kind }) => {
        if (kind === 'leads') heed(node, message)
        return true
      }),
    }),
    caught: { claim: 'a message of an earlier term is no sign of life (H4)' },
  },
  {
    name: 'leader-misses-itself',
    what: 'a leader that waits for its own disk takes itself for dead: if the disk is slow once, it never leads again',
    stage: beating((node) => {
      heartbeat(node)
      if (node.role !== 'leader' && node.leader === node.id && ++node.silentTicks >= node.timing.electionTicks) {
        node.leader = null
      }
    }),
    caught: { claim: 'a leader takes office however long its disk takes for the new term' },
  },
]
