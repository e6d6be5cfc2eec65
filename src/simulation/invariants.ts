import type { GuaranteeId, Index, NodeId, Status, Term } from '../contracts.js'

/** An entry as checkers compare it. */
export interface SeenEntry {
  readonly index: Index
  readonly term: Term
  /** What it holds, as text: equal texts are equal commands. */
  readonly payload: string
}

/** What a checker sees of one node after a step. `log` is there from the stage on that has one. */
export interface Observation {
  readonly node: NodeId
  /** Counts the starts of the node's process: what is only in memory may begin anew with it. */
  readonly incarnation: number
  readonly status: Status
  readonly log?: readonly SeenEntry[]
  /** Commands that the node's state machine performed since the last observation. */
  readonly performed?: readonly SeenEntry[]
}

/** A watcher remembers what it needs and says in a sentence what is wrong; null while all is well. */
export type Watcher = (seen: Observation) => string | null

/** Something that must hold after every step of every run, with its place in the Raft paper. */
export interface Invariant {
  readonly name: string
  readonly section: string
  /** The guarantee that falls with it. */
  readonly guarantee: GuaranteeId
  watch(): Watcher
}

/** Watches a number that may not fall. */
function neverFalls(what: string, of: (status: Status) => number | undefined, survivesRestart: boolean): () => Watcher {
  return () => {
    const highest = new Map<string, number>()
    return ({ node, incarnation, status }) => {
      const value = of(status)
      if (value === undefined) return null
      const key = survivesRestart ? node : `${node}#${incarnation}`
      const before = highest.get(key) ?? 0
      highest.set(key, Math.max(before, value))
      return value < before ? `${node}'s ${what} fell from ${before} to ${value}` : null
    }
  }
}

function oneLeaderPerTerm(): Watcher {
  const leaders = new Map<Term, NodeId>()
  return ({ node, status: { role, term } }) => {
    if (role !== 'leader' || term === undefined) return null
    const known = leaders.get(term) ?? node
    leaders.set(term, known)
    return known === node ? null : `${known} and ${node} both lead term ${term}`
  }
}

/** A leader's log while it leads: what was there stays there. */
function leaderAppendsOnly(): Watcher {
  const logs = new Map<NodeId, { term: Term; log: readonly SeenEntry[] }>()
  return ({ node, status: { role, term = 0 }, log }) => {
    const before = logs.get(node)
    if (role !== 'leader' || !log) {
      logs.delete(node)
      return null
    }
    logs.set(node, { term, log: [...log] })
    if (before?.term !== term) return null
    const first = log[0]?.index ?? Number.POSITIVE_INFINITY
    const changed = before.log.find((entry) => entry.index >= first && !isSame(entry, at(log, entry.index)))
    return changed ? `the leader ${node} changed its entry ${changed.index} in term ${term}` : null
  }
}

function at(log: readonly SeenEntry[], index: Index): SeenEntry | undefined {
  return log[index - (log[0]?.index ?? 0)]
}

function isSame(a: SeenEntry, b: SeenEntry | undefined): boolean {
  return b !== undefined && a.index === b.index && a.term === b.term && a.payload === b.payload
}

/** Two logs with an entry of the same index and term are the same up to there. */
function logsMatch(): Watcher {
  const logs = new Map<NodeId, readonly SeenEntry[]>()
  return ({ node, log }) => {
    if (!log) return null
    logs.set(node, [...log])
    for (const [other, theirs] of logs) {
      if (other === node) continue
      const common = log.findLast((entry) => at(theirs, entry.index)?.term === entry.term)
      if (!common) continue
      const differing = log.find(
        (entry) =>
          entry.index <= common.index &&
          entry.index >= (theirs[0]?.index ?? 0) &&
          !isSame(entry, at(theirs, entry.index)),
      )
      if (differing) {
        return `${node} and ${other} agree at index ${common.index}, term ${common.term}, but differ at index ${differing.index}`
      }
    }
    return null
  }
}

/** Whatever was committed is in the log of every later leader. */
function leadersAreComplete(): Watcher {
  const committed = new Map<Index, SeenEntry>()
  return ({ node, status: { role, term = 0, commit = 0 }, log }) => {
    if (!log) return null
    const first = log[0]?.index ?? Number.POSITIVE_INFINITY
    if (role === 'leader') {
      const missing = [...committed.values()].find(
        (entry) => entry.term < term && entry.index >= first && !isSame(entry, at(log, entry.index)),
      )
      if (missing)
        return `the leader ${node} of term ${term} lacks entry ${missing.index} of term ${missing.term}, which was committed`
    }
    for (let index = Math.max(first, 1); index <= commit; index++) {
      const entry = at(log, index)
      if (entry && !committed.has(index)) committed.set(index, entry)
    }
    return null
  }
}

/** No two state machines perform different commands at the same index. */
function stateMachinesAgree(): Watcher {
  const performed = new Map<Index, { node: NodeId; payload: string }>()
  return (seen) => {
    for (const { index, payload } of seen.performed ?? []) {
      const known = performed.get(index)
      if (!known) performed.set(index, { node: seen.node, payload })
      else if (known.payload !== payload)
        return `at index ${index} ${known.node} performed ${known.payload} and ${seen.node} ${payload}`
    }
    return null
  }
}

/** Every invariant of Raft by its name; a stage promises some of them. */
export const invariants = {
  appliedNeverFalls: {
    name: 'applied never falls',
    section: '§5.3',
    guarantee: 'G6',
    watch: neverFalls('applied index', (status) => status.applied, false),
  },
  commitNeverFalls: {
    name: 'commit never falls',
    section: '§5.3',
    guarantee: 'G6',
    watch: neverFalls('commit index', (status) => status.commit, false),
  },
  termNeverFalls: {
    name: 'terms never fall',
    section: '§5.1',
    guarantee: 'G11',
    watch: neverFalls('term', (status) => status.term, true),
  },
  oneLeaderPerTerm: { name: 'election safety', section: '§5.2', guarantee: 'G11', watch: oneLeaderPerTerm },
  leaderAppendsOnly: { name: 'leader append-only', section: '§5.3', guarantee: 'G6', watch: leaderAppendsOnly },
  logsMatch: { name: 'log matching', section: '§5.3', guarantee: 'G6', watch: logsMatch },
  leadersAreComplete: { name: 'leader completeness', section: '§5.4', guarantee: 'G7', watch: leadersAreComplete },
  stateMachinesAgree: { name: 'state machine safety', section: '§5.4.3', guarantee: 'G6', watch: stateMachinesAgree },
} as const satisfies Record<string, Invariant>

export type InvariantName = keyof typeof invariants
