import type { AppendEntries } from '../4-log-replication/messages.js'
import type { Responder } from './responder.js'

/** A follower notes what its leader has committed, and the moment at which it heard of it. */
export function noteNews(node: Responder, { leaderCommit: commit }: AppendEntries): void {
  if (!node.news || node.news.commit <= node.handed) node.news = { commit, at: node.ticks }
}

/** Ends a turn: a follower that has performed all that its leader told was as fresh as the leader at that moment. */
export function noteFresh(node: Responder): void {
  if (node.news && node.news.commit <= node.handed) node.freshAt = node.news.at
}

/**
 * The age of a stale answer: at most so many milliseconds ago, the store held all that was committed, as far as the
 * leader's last messages tell. The time that they took is not in it. Nothing is said where no leader is heard.
 */
export function ageOf(node: Responder): { readonly ageMs?: number } {
  const { role, leader, ticks, timing } = node
  const freshAt = role === 'leader' ? heardByMajority(node) : node.freshAt
  if (leader === null || freshAt === null) return {}
  return { ageMs: (ticks - freshAt) * timing.tickMs }
}

/** On a leader: the last tick since when a majority has answered it, itself included. */
function heardByMajority({ id, peers, heardAt, quorum, quorumSince, ticks }: Responder): number {
  const latest = [...peers].sort((a, b) => (heardAt.get(b) ?? 0) - (heardAt.get(a) ?? 0))
  const heard = new Set([id])
  if (quorum.has(heard)) return ticks
  for (const peer of latest) {
    heard.add(peer)
    if (quorum.has(heard)) return Math.max(heardAt.get(peer) ?? 0, quorumSince)
  }
  return quorumSince
}
