import {
  type Answer,
  type Apply,
  type Command,
  failure,
  type Index,
  type Performance,
  payloadOf,
  type Request,
  type RequestId,
} from '../../src/contracts.js'
import { send } from '../../src/stage.js'
import { performOnce } from '../9-client-interaction/perform-once.js'
import { type Forward, type ForwardReply, type ForwardRequest, objectIn, type PassedOn } from './forward-messages.js'
import { hasPlace, heldRequests } from './hold.js'
import type { ProductionNode } from './production-node.js'
import { transferLeader } from './transfer-leader.js'

/**
 * A leader proposes what another node has passed on: it is a request like those of its own clients, and its answer goes
 * to that node. A node that does not lead says nothing, because an earlier copy may have come while it led.
 */
export function takeForward(node: ProductionNode, message: Forward): void {
  takePassed(node, message, (id) => heldRequests.write(node, { id, command: commandOf(message) }))
}

/** A leader takes a request that another node has passed on, with the fields beside its command, or without a command. */
export function takeForwardRequest(node: ProductionNode, message: ForwardRequest): void {
  const fields = objectIn(message.request)!
  takePassed(node, message, (id) => {
    if (message.entries.length > 0) heldRequests.write(node, { id, command: commandOf(message), envelope: fields })
    else ownRequests[fields.command as PassedOn](node, { id, command: fields as Command })
  })
}

/** The rules of the requests that are not the application's. */
const ownRequests: Record<PassedOn, (node: ProductionNode, request: Request) => void> = {
  open_session: heldRequests.open_session,
  add_node: heldRequests.add_node,
  promote: heldRequests.promote,
  demote: heldRequests.demote,
  remove_node: heldRequests.remove_node,
  reconfigure: heldRequests.reconfigure,
  transfer_leader: transferLeader,
}

type Passed = Omit<Forward, 'type'>

function takePassed(node: ProductionNode, message: Passed, ask: (id: RequestId) => void): void {
  if (!isFirstCopy(node, message) || node.role !== 'leader') return
  const { from, life, number } = message
  const id = --node.taken.last
  node.taken.open.set(id, { from, life, number, index: 0, result: null })
  if (!hasPlace(node, message))
    node.effects.replies.push({
      request: id,
      answer: failure('overloaded', 'too much waits for the end of a hand-over'),
    })
  else ask(id)
}

/** The command in a message, whose check has found that there is one. */
function commandOf({ entries }: Passed): unknown {
  const payload = payloadOf(entries[0]!)
  return payload.kind === 'command' ? payload.command : null
}

/**
 * Notes the numbers that have come: a network may repeat a message, and its copy would be a second entry. The notes are
 * kept for one term. A message of an earlier term is not heard, and a leader that starts anew leads a later one.
 */
function isFirstCopy({ taken, term }: ProductionNode, { from, life, number, firstOpen }: Passed): boolean {
  if (taken.term !== term) Object.assign(taken, { term, seen: new Map() })
  const sender = `${from} ${life}`
  const seen = taken.seen.get(sender) ?? { floor: 1, numbers: new Set() }
  taken.seen.set(sender, seen)
  if (number < seen.floor || seen.numbers.has(number)) return false
  seen.numbers.add(number)
  seen.floor = Math.max(seen.floor, firstOpen)
  for (const one of seen.numbers) {
    if (one >= seen.floor) break
    seen.numbers.delete(one)
  }
  return true
}

/** A committed entry that another node has passed on: its answer is kept in sight until it is there. */
export function performForwarded(node: ProductionNode, entry: Apply): Performance | null {
  const asCall = performOnce(node, entry)
  const one = entry.request === null ? undefined : node.taken.open.get(entry.request)
  if (!one) return asCall
  const decided = asCall ?? { isNew: true, result: { answer: null } }
  one.index = entry.index
  one.result = decided.result
  node.taken.performing.push(entry.request!)
  return decided
}

/** The state machine has performed entries: the nodes that passed them on are told the answers. */
export function answerForwarded(node: ProductionNode, upTo: Index): void {
  const { taken } = node
  const isDone = (id: number) => taken.open.get(id)!.index <= upTo
  const done = taken.performing.filter(isDone)
  if (done.length === 0) return
  taken.performing = taken.performing.filter((id) => !isDone(id))
  for (const id of done) {
    const { result, index } = taken.open.get(id)!
    tell(node, id, result?.answer ?? failure('leadership_lost', 'the entry has no answer'), index)
  }
}

/** Ends a turn: answers that the rules gave without performing anything go to the nodes that asked. */
export function tellRefusals(node: ProductionNode): void {
  const { effects } = node
  if (!effects.replies.some(({ request }) => request < 0)) return
  const forwarded = effects.replies.filter(({ request }) => request < 0)
  effects.replies = effects.replies.filter(({ request }) => request > 0)
  for (const { request, answer } of forwarded) tell(node, request, answer, 0)
}

function tell(node: ProductionNode, request: number, answer: Answer, index: Index): void {
  const one = node.taken.open.get(request)
  if (!one) return
  node.taken.open.delete(request)
  const { id: from, term } = node
  const { from: to, life, number } = one
  const text = JSON.stringify(answer)
  send<ForwardReply>(node, { type: 'ForwardReply', from, to, term, life, number, index, answer: text })
}
