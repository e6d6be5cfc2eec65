import type { Entry, Index } from '../../src/contracts.js'
import { sendWhenDurable } from '../../src/stage.js'
import type { AppendEntries, AppendEntriesConflict, AppendEntriesReply } from './messages.js'
import { persist, type Replica } from './replica.js'

declare module '../../src/events.js' {
  interface EventDetails {
    truncated: { from: Index; last: Index }
  }
}

/**
 * A follower takes the leader's entries if it has the entry before them (§5.3, the consistency check). By induction its
 * log is then the leader's, up to the last of them. The follower acknowledges only when its disk has them.
 */
export function appendEntries(node: Replica, message: AppendEntries): void {
  const { from, sequence, prevLogIndex, prevLogTerm, entries, leaderCommit } = message
  if (node.log.termAt(prevLogIndex) !== prevLogTerm) return refuse(node, message)
  for (const entry of entries) keep(node, entry)
  const matchIndex = prevLogIndex + entries.length
  learnCommit(node, Math.min(leaderCommit, matchIndex))
  sendWhenDurable<AppendEntriesReply>(node, {
    type: 'AppendEntriesReply',
    from: node.id,
    to: from,
    term: node.term,
    sequence,
    matchIndex,
  })
}

/**
 * An entry that is there already stays, and so do the entries behind it: the message may be old, and the log longer by
 * now. Only a real conflict, another term at this index, takes back the rest.
 */
function keep(node: Replica, entry: Entry): void {
  const term = node.log.termAt(entry.index)
  if (term === entry.term) return
  if (term !== undefined) takeBack(node, entry.index)
  node.log.append(entry)
  persist(node, { record: 'entry', entry })
}

function takeBack(node: Replica, from: Index): void {
  if (from <= node.commitIndex) throw new Error(`entry ${from} is committed and cannot be taken back`)
  node.effects.events.push({ event: 'truncated', from, last: node.log.last.index })
  node.log.truncate(from)
  node.durableIndex = Math.min(node.durableIndex, from - 1)
  persist(node, { record: 'truncate', from })
}

/**
 * The leader's commit index counts only up to the last entry that this message has verified: entries behind it may not
 * be the leader's.
 */
function learnCommit(node: Replica, upTo: Index): void {
  node.commitIndex = Math.max(node.commitIndex, upTo)
}

/** Tells the leader at which entry to go on: a whole term is passed over at once, however many entries it has. */
function refuse(node: Replica, { from, sequence, prevLogIndex }: AppendEntries): void {
  const conflictTerm = node.log.termAt(prevLogIndex) ?? null
  const conflictIndex = conflictTerm === null ? node.log.last.index + 1 : node.log.firstOf(conflictTerm)
  sendWhenDurable<AppendEntriesConflict>(node, {
    type: 'AppendEntriesConflict',
    from: node.id,
    to: from,
    term: node.term,
    sequence,
    prevLogIndex,
    conflictTerm,
    conflictIndex,
  })
}
