import { type Stage, stage } from '../../../src/stage.js'
import { endForwards } from '../../../stages/10-production/forward.js'
import type { Forward } from '../../../stages/10-production/forward-messages.js'
import type { ProductionMessage } from '../../../stages/10-production/messages.js'
import type { ProductionNode } from '../../../stages/10-production/production-node.js'
import production from '../../../stages/10-production/stage.js'
import { takeForward } from '../../../stages/10-production/take-forward.js'
import type { WrongRule } from './wrong-rule.js'

const right = production.table

function hearing(take: (node: ProductionNode, message: Forward) => void): Stage {
  return stage<ProductionNode, ProductionMessage>({ ...right, on: { ...right.on, Forward: take } })
}

/** A wrong rule: every copy of a message is a command of its own. */
function takeCopies(node: ProductionNode, message: Forward): void {
  node.taken.seen.clear()
  takeForward(node, message)
}

/** A wrong rule: only the next number of a sender is taken. */
function takeInOrder(node: ProductionNode, message: Forward): void {
  const numbers = node.taken.seen.get(`${message.from} ${message.life}`)?.numbers ?? new Set()
  if (Math.max(0, ...numbers) < message.number) takeForward(node, message)
}

/** A wrong rule: the leader is lost, so the command is passed on to the next one. */
function passOnAgain(node: ProductionNode): void {
  const { forwards, leader, term, id } = node
  for (const [number, one] of forwards.open) {
    if (leader === null || leader === id || one.term === term) continue
    forwards.open.set(number, { ...one, leader, term })
    node.effects.send.push({ type: 'Forward', from: id, to: leader, term, entries: [] })
  }
  endForwards(node)
}

const { tick } = right

export const wrongForwards: readonly WrongRule[] = [
  {
    name: 'forward-takes-copies',
    what: 'a leader proposes each copy of a command that is passed on: one call becomes two entries',
    stage: hearing(takeCopies),
    caught: {
      claim:
        'a copy of a passed on command is no second entry, also when the first is answered, and when later ones have come',
    },
  },
  {
    name: 'forward-in-order',
    what: 'a leader drops a command that was overtaken: its client waits for nothing',
    stage: hearing(takeInOrder),
    caught: { claim: 'commands that overtake each other are all proposed, each once' },
  },
  {
    name: 'forward-twice',
    what: 'a node passes a command on to the next leader too: both leaders may have it in the log',
    stage: stage<ProductionNode, ProductionMessage>({
      ...right,
      tick: tick.map((rule) => (rule === endForwards ? passOnAgain : rule)),
    }),
    caught: { claim: 'a command is passed on once: when another node leads, its outcome is unknown' },
  },
]
