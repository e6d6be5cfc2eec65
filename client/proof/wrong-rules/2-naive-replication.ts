import type { NodeId } from '../../../src/contracts.js'
import { type Stage, stage } from '../../../src/stage.js'
import { perform } from '../../../stages/0-key-value-store/server.js'
import type { NaiveMessage, Replicated } from '../../../stages/2-naive-replication/messages.js'
import { type NaiveReplica, naiveReplica, type Pending } from '../../../stages/2-naive-replication/replica.js'
import naiveReplication from '../../../stages/2-naive-replication/stage.js'
import type { WrongRule } from './wrong-rule.js'

const naive = naiveReplication.table

/** A stage-2 node whose pending writes are settled by another rule. */
function settling(settle: (node: NaiveReplica, pending: Pending) => void): Stage {
  return stage<NaiveReplica, NaiveMessage>({ ...naive, verbs: { ...naive.verbs, settle } })
}

function answer(node: NaiveReplica, pending: Pending): void {
  node.pending.delete(pending.write)
  perform(node, pending.request.command, pending.request.id)
}

/** Wrong ways to copy a write and to count its copies. */
export const wrongReplication: readonly WrongRule[] = [
  {
    name: 'majority-off-by-one',
    what: 'half of the nodes, rounded down, count as a majority: two of five, and two such pairs need not share a node',
    stage: stage<NaiveReplica, NaiveMessage>({
      ...naive,
      state: (options) => {
        const needed = Math.floor(options.members.length / 2)
        return { ...naiveReplica(options), quorum: { has: (nodes: ReadonlySet<NodeId>) => nodes.size >= needed } }
      },
    }),
    caught: { guarantee: 'G4', climate: 'storm', seeds: 10 },
  },
  {
    name: 'leader-not-counted',
    what: 'the leader needs three followers besides itself: with two of them down, a majority stands idle',
    stage: settling((node, pending) => {
      const followers = [...pending.acknowledged].filter((id) => id !== node.id)
      if (followers.length * 2 > node.members.length) answer(node, pending)
    }),
    caught: { scenario: 'N1' },
  },
  {
    name: 'wait-for-all',
    what: 'a write is answered when every follower has it: one stopped follower stops the cluster',
    stage: settling((node, pending) => {
      if (pending.acknowledged.size === node.members.length) answer(node, pending)
    }),
    caught: { scenario: 'N2' },
  },
  {
    name: 'answer-before-majority',
    what: 'the leader answers as soon as it has sent the write: OK says nothing about anybody else',
    stage: settling(answer),
    caught: { guarantee: 'G4', climate: 'storm', seeds: 5 },
  },
  {
    name: 'count-answers-not-nodes',
    what: 'every answer counts, also the second from the same follower: a repeated message makes a majority of two',
    stage: stage<NaiveReplica, NaiveMessage>({
      ...naive,
      on: {
        ...naive.on,
        Replicated: (node, { write }) => {
          const pending = node.pending.get(write)
          const another = node.members.find(({ id }) => !pending?.acknowledged.has(id))
          if (!pending || !another) return
          pending.acknowledged.add(another.id)
          node.settle(pending)
        },
      },
    }),
    caught: { guarantee: 'G4', climate: 'storm', seeds: 100 },
  },
  {
    name: 'number-writes-from-one',
    what: 'a leader that starts again numbers its writes from one: answers to its former life count for new writes',
    stage: stage<NaiveReplica, NaiveMessage>({
      ...naive,
      state: (options) => ({ ...naiveReplica(options), writes: 0 }),
    }),
    caught: { guarantee: 'G4', climate: 'churn', seeds: 60 },
  },
  {
    name: 'acknowledge-without-performing',
    what: 'a follower says "done" and does nothing: the leader holds the only copy',
    stage: stage<NaiveReplica, NaiveMessage>({
      ...naive,
      on: {
        ...naive.on,
        Replicate: (node, { from, write }) => {
          const reply: Replicated = { type: 'Replicated', from: node.id, to: from, write }
          node.effects.send.push(reply)
        },
      },
    }),
    caught: { guarantee: 'G4', climate: 'calm', seeds: 1 },
  },
]
