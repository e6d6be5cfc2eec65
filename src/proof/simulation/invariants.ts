import {
  type Entry,
  type GuaranteeId,
  type Index,
  type InvariantName,
  isObject,
  type NodeId,
  type Status,
  type Term,
} from '../../contracts.js'

/** A node's log as a checker sees it after a step. */
export interface SeenLog {
  /** The index of the first entry; a snapshot holds the entries before it. */
  readonly first: Index
  /** The first index whose entry has changed since the last look; one past the log's end if none has. */
  readonly changedFrom: Index
  readonly last: Index
  at(index: Index): Entry | undefined
}

/**
 * A command that a state machine performed, as text: equal texts are equal commands. Null where a snapshot that holds
 * everything up to there was put in the place of its state.
 */
export interface Performed {
  readonly index: Index
  readonly command: string | null
}

/** One node after a step, as a checker sees it. */
export interface Observation {
  readonly node: NodeId
  /** The number of starts of the node's process; state in memory may begin anew with each. */
  readonly incarnation: number
  readonly status: Status
  readonly log: SeenLog
  /** Commands that the node's state machine performed since the last observation. */
  readonly performed: readonly Performed[]
  /** The disks of the cluster: the nodes whose disks hold an entry, and all nodes that have a disk. */
  readonly disks: { holdersOf(entry: Entry): readonly NodeId[]; readonly all: readonly NodeId[] }
}

/** A watcher observes every step, and says in a sentence what is wrong; null while all is well. */
export type Watcher = (seen: Observation) => string | null

/** An invariant must hold after every step of every run; it names its place in the Raft paper. */
export interface Invariant {
  readonly name: string
  readonly section: string
  /** The guarantee that is broken with the invariant. */
  readonly guarantee: GuaranteeId
  watch(): Watcher
}

/**
 * Watches a number that may not fall while the process lives. After a crash it may: a number that was not on disk was
 * told to nobody.
 */
function neverFalls(what: string, of: (status: Status) => number | undefined): () => Watcher {
  return () => {
    const highest = new Map<string, number>()
    return ({ node, incarnation, status }) => {
      const value = of(status)
      if (value === undefined) return null
      const life = `${node}#${incarnation}`
      const before = highest.get(life) ?? 0
      highest.set(life, Math.max(before, value))
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

/** Leader Append-Only (figure 3): while a node leads, the entries of its log stay. */
function leaderAppendsOnly(): Watcher {
  const led = new Map<NodeId, { term: Term; last: Index }>()
  return ({ node, status: { role, term = 0 }, log }) => {
    const before = led.get(node)
    if (role !== 'leader') {
      led.delete(node)
      return null
    }
    led.set(node, { term, last: log.last })
    const changed = before?.term === term && log.changedFrom <= before.last
    return changed ? `the leader ${node} changed its entry ${log.changedFrom} in term ${term}` : null
  }
}

/**
 * Log Matching (figure 3): two logs with an entry of the same index and term are equal up to it. It is enough to check
 * that index and term decide an entry's content and the term of the entry before it: the rest follows by induction.
 */
function logsMatch(): Watcher {
  const known = new Map<string, { node: NodeId; text: string; termBefore: Term }>()
  return ({ node, log }) => {
    for (let index = log.changedFrom; index <= log.last; index++) {
      const { term, text } = log.at(index)!
      const other = known.get(`${index} ${term}`)
      if (other && other.text !== text)
        return `${node} and ${other.node} hold different entries of index ${index}, term ${term}`
      // The entry before the first is in a snapshot, so its term is not visible.
      if (index === log.first && index > 1) continue
      const termBefore = log.at(index - 1)?.term ?? 0
      if (other && other.termBefore !== termBefore)
        return `${node} and ${other.node} agree at index ${index}, term ${term}, but differ at index ${index - 1}`
      known.set(`${index} ${term}`, other ?? { node, text, termBefore })
    }
    return null
  }
}

/** Collects every entry at its first commit, with its node; `onFirst` is called for each. */
function committedEntries(): (seen: Observation, onFirst: (entry: Entry) => string | null) => string | null {
  const committed = new Map<Index, { entry: Entry; node: NodeId }>()
  const upTo = new Map<string, Index>()
  return ({ node, incarnation, status: { commit = 0 }, log }, onFirst) => {
    const life = `${node}#${incarnation}`
    const before = upTo.get(life) ?? 0
    upTo.set(life, Math.max(before, commit))
    for (let index = before + 1; index <= commit; index++) {
      const entry = log.at(index)
      if (!entry) continue
      const known = committed.get(index)
      if (known && known.entry.text !== entry.text)
        return `${known.node} and ${node} committed different entries at index ${index}`
      if (known) continue
      committed.set(index, { entry, node })
      const problem = onFirst(entry)
      if (problem) return problem
    }
    return null
  }
}

/**
 * Leader Completeness (figure 3): a committed entry is in the log of every leader of a later term than the one in which
 * it was committed. This term may be later than the entry's own, and an election of an earlier term may still end after
 * it.
 */
function leadersAreComplete(): Watcher {
  const committed: { readonly entry: Entry; readonly inTerm: Term }[] = []
  const hear = committedEntries()
  const leaders = new Set<string>()
  return (seen) => {
    const { node, status, log } = seen
    const { role, term = 0 } = status
    if (role === 'leader' && !leaders.has(`${node} ${term}`)) {
      leaders.add(`${node} ${term}`)
      const missing = committed.find(
        ({ entry: { index, text }, inTerm }) => inTerm < term && index >= log.first && log.at(index)?.text !== text,
      )
      if (missing) {
        const { index, term: earlier } = missing.entry
        return `the leader ${node} of term ${term} lacks entry ${index} of term ${earlier}, which was committed`
      }
    }
    return hear(seen, (entry) => {
      committed.push({ entry, inTerm: term })
      return null
    })
  }
}

/**
 * Checks that an entry is committed only when it is on the disks of a majority of the voters: no loss of power can take
 * it back then.
 */
function committedIsDurable(): Watcher {
  const hear = committedEntries()
  return (seen) =>
    hear(seen, (entry) => {
      const { holdersOf, all } = seen.disks
      const { voters = all, outgoing = voters } = seen.status
      const holders = holdersOf(entry)
      const short = [voters, outgoing].find((set) => set.filter((id) => holders.includes(id)).length * 2 <= set.length)
      if (!short) return null
      const where = `of ${short.join(' ')} it is on the disks of ${holders.join(' ') || 'nobody'}`
      return `${seen.node} takes entry ${entry.index} for committed; ${where}`
    })
}

/**
 * State Machine Safety (figure 3): no two state machines perform different commands at one index, and none skips or
 * repeats a command.
 */
function stateMachinesAgree(): Watcher {
  const performed = new Map<Index, { node: NodeId; command: string }>()
  const last = new Map<string, Index>()
  return ({ node, incarnation, performed: news }) => {
    const life = `${node}#${incarnation}`
    for (const { index, command } of news) {
      const before = last.get(life) ?? 0
      if (command === null && index <= before)
        return `${node} went back from entry ${before} to a snapshot of entry ${index}`
      if (command !== null && index !== before + 1) return `${node} performed entry ${index} after entry ${before}`
      last.set(life, index)
      if (command === null) continue
      const known = performed.get(index)
      if (!known) performed.set(index, { node, command })
      else if (known.command !== command)
        return `at index ${index} ${known.node} performed ${known.command} and ${node} ${command}`
    }
    return null
  }
}

/** Checks that two snapshots up to the same entry are equal: equal states have equal bytes. */
function snapshotsAgree(): Watcher {
  const known = new Map<Index, { node: NodeId; sha256: string }>()
  return ({ node, status: { snapshot } }) => {
    if (!isObject(snapshot)) return null
    const { index, sha256 } = snapshot as { index: Index; sha256: string }
    const other = known.get(index) ?? { node, sha256 }
    known.set(index, other)
    return other.sha256 === sha256 ? null : `${other.node} and ${node} hold different snapshots up to entry ${index}`
  }
}

/**
 * Checks that a log holds one history. A cluster founded twice under one name has two histories with the same indexes
 * and terms: so all configurations in a log, and the origin in its node's status, must be of one origin.
 */
function oneHistory(): Watcher {
  const known = new Map<string, string>()
  return ({ node, incarnation, status, log }) => {
    const life = `${node}#${incarnation}`
    const found = typeof status.origin === 'string' ? [status.origin] : []
    for (let index = log.changedFrom; index <= log.last; index++) {
      const { payload } = log.at(index)!
      const origin = payload?.kind === 'configuration' && (payload.configuration as { origin?: unknown }).origin
      if (typeof origin === 'string') found.push(origin)
    }
    for (const origin of found) {
      const before = known.get(life) ?? origin
      known.set(life, before)
      if (before !== origin) return `${node} holds what belongs to the cluster ${origin}, and to ${before}`
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
    watch: neverFalls('applied index', (status) => status.applied),
  },
  commitNeverFalls: {
    name: 'commit never falls',
    section: '§5.3',
    guarantee: 'G6',
    watch: neverFalls('commit index', (status) => status.commit),
  },
  termNeverFalls: {
    name: 'terms never fall',
    section: '§5.1',
    guarantee: 'G11',
    watch: neverFalls('term', (status) => status.term),
  },
  oneLeaderPerTerm: { name: 'election safety', section: '§5.2', guarantee: 'G11', watch: oneLeaderPerTerm },
  leaderAppendsOnly: { name: 'leader append-only', section: '§5.3', guarantee: 'G6', watch: leaderAppendsOnly },
  logsMatch: { name: 'log matching', section: '§5.3', guarantee: 'G6', watch: logsMatch },
  leadersAreComplete: { name: 'leader completeness', section: '§5.4', guarantee: 'G7', watch: leadersAreComplete },
  committedIsDurable: {
    name: 'committed is durable',
    section: '§5.3',
    guarantee: 'G8',
    watch: committedIsDurable,
  },
  stateMachinesAgree: { name: 'state machine safety', section: '§5.4.3', guarantee: 'G6', watch: stateMachinesAgree },
  oneHistory: { name: 'one history', section: '§6', guarantee: 'G6', watch: oneHistory },
  snapshotsAgree: { name: 'snapshots agree', section: '§7', guarantee: 'G14', watch: snapshotsAgree },
} as const satisfies Record<InvariantName, Invariant>
