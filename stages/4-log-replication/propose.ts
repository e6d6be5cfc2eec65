import {
  commandPayload,
  type Entry,
  failure,
  type Index,
  makeEntry,
  type Payload,
  type Request,
} from '../../src/contracts.js'
import { redirect } from '../2-naive-replication/redirect.js'
import { overload } from './backlog.js'
import { persist, type Replica } from './replica.js'

/**
 * A client's command becomes an entry of the leader's log, and the client waits until that entry has been performed
 * (§5.3). Reads go through the log as well: a read then sees the store at one place in the order of all commands, and a
 * leader that lost its office cannot answer from memory.
 */
export function propose(node: Replica, request: Request<unknown>): void {
  proposeFor(node, request, commandPayload(request.command))
}

/**
 * A leader with room for one more entry appends it, and the client waits; any other node refuses.
 *
 * @returns the entry's index; null if the request was refused
 */
export function proposeFor(node: Replica, request: Request<unknown>, payload: Payload): Index | null {
  if (node.role !== 'leader') {
    refer(node, request)
    return null
  }
  const tooMuch = overload(node)
  if (tooMuch !== null) {
    node.effects.replies.push({ request: request.id, answer: failure('overloaded', tooMuch) })
    return null
  }
  const { index } = appendOwn(node, payload)
  node.waiting.set(index, { request: request.id, term: node.term, since: node.ticks })
  return index
}

/** The client is referred to the leader, or hears that no node leads at present; nothing was done here. */
export function refer(node: Replica, request: Request<unknown>): void {
  if (node.leader !== node.id && node.members.some(({ id }) => id === node.leader)) return redirect(node, request)
  node.effects.replies.push({ request: request.id, answer: failure('no_leader', 'no node leads at present') })
}

/** A leader puts an entry behind its log, and never changes the entries before it (leader append-only, figure 3). */
export function appendOwn(node: Replica, payload: Payload): Entry {
  const entry = makeEntry(node.log.last.index + 1, node.term, payload)
  node.log.append(entry)
  persist(node, { record: 'entry', entry })
  return entry
}
