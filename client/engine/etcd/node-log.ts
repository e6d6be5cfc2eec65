/** The lines that a process of etcd logs, as events and complaints of its node. */
import { type Event, isObject, type NodeId } from '../../../src/contracts.js'

declare module '../../../src/events.js' {
  interface EventDetails {
    /** A node of another engine leads this term. */
    leads: { term: number }
  }
}

/** A line of the log, as far as it says something here. */
type Said = { readonly event: Event } | { readonly complaint: string } | null

/**
 * Reads a line of the log: an event of its raft, an error, or nothing of interest. A line that is no JSON is the chat of
 * a library, or the last words of a program that breaks off.
 */
export function readLog(node: NodeId, line: string): Said {
  const parsed = parsedJson(line)
  if (!isObject(parsed)) return /^(panic|fatal)/.test(line) ? { complaint: line } : null
  const { level, msg, error } = parsed as Readonly<Record<string, unknown>>
  const [, what, term] = /^[\da-f]+ became (candidate|leader) at term (\d+)$/.exec(String(msg)) ?? []
  if (what === 'leader') return { event: { event: 'leads', node, term: Number(term) } }
  if (what === 'candidate') return { event: { event: 'campaign', node, term: Number(term) } }
  if (!['error', 'dpanic', 'panic', 'fatal'].includes(String(level))) return null
  return { complaint: error === undefined ? String(msg) : `${String(msg)}: ${String(error)}` }
}

function parsedJson(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null
  }
}
