import type { Entry, EntryId, GuaranteeId, Index, NodeId, TraceDetails, Traced } from '../../contracts.js'
import type { Node } from '../../node.js'
import type { Stage } from '../../stage.js'
import type { SimulatedCluster } from './cluster.js'
import { invariants, type Observation, type Performed, type SeenLog, type Watcher } from './invariants.js'

/** A fault that a run has found. */
export interface Finding {
  readonly guarantee: GuaranteeId
  /** The fault in one sentence. */
  readonly what: string
  /** Details: the contradictory window of a history, or the replicas that differ. */
  readonly detail: string
  /** The time in virtual milliseconds; for a history, the first answer that contradicts those before it. */
  readonly at: number
}

/** The judge of a run: it sees what each node does, holds it against the stage's invariants, and keeps the findings. */
export class Judge {
  readonly findings: Finding[] = []
  readonly #stage: Stage
  readonly #tell: (finding: Finding) => void
  readonly #watchers: { guarantee: GuaranteeId; name: string; watch: Watcher }[]
  readonly #incarnations = new Map<NodeId, number>()
  readonly #touched = new Set<NodeId>()
  /** The log of each node at the last look. */
  readonly #logs = new Map<NodeId, Entry[]>()
  readonly #performed = new Map<NodeId, Performed[]>()
  /** The entry of each write, by its value. */
  readonly #entries = new Map<unknown, Entry>()

  /** @param tell called with each finding when it is made */
  constructor(stage: Stage, tell: (finding: Finding) => void) {
    this.#stage = stage
    this.#tell = tell
    this.#watchers = stage.invariants.map((name) => {
      const { guarantee, watch } = invariants[name]
      return { guarantee, name: invariants[name].name, watch: watch() }
    })
  }

  /** Notes an event of a node: the node is looked at after this step. */
  saw(event: Traced, node: NodeId): void {
    this.#touched.add(node)
    if (event.event === 'apply') this.#performs(node, event)
    if (event.event === 'restore') this.#restores(node, event.snapshot)
  }

  find({ now }: SimulatedCluster, guarantee: GuaranteeId, what: string, detail = ''): void {
    const finding = { guarantee, what, detail, at: now }
    this.findings.push(finding)
    this.#tell(finding)
  }

  /** Checks the invariants of all nodes of which something was seen since the last check. */
  check(cluster: SimulatedCluster): void {
    if (this.#touched.size === 0) return
    for (const node of this.#touched) {
      const running = cluster.host(node).node
      if (!running) continue
      const seen = this.#observe(cluster, node, running)
      for (const { guarantee, name, watch } of this.#watchers) {
        const problem = watch(seen)
        if (problem) this.find(cluster, guarantee, `${name}: ${problem}`)
      }
    }
    this.#touched.clear()
  }

  /** Notes that a node starts again: it performs its log anew. */
  newLife(node: NodeId): void {
    this.#incarnations.set(node, (this.#incarnations.get(node) ?? 0) + 1)
    this.#performed.delete(node)
  }

  /** The nodes whose disks hold the entry of the write with this value. */
  holdersOf(cluster: SimulatedCluster, value: unknown): readonly NodeId[] {
    const entry = this.#entries.get(value)
    return entry ? disksOf(cluster).holdersOf(entry) : []
  }

  #restores(node: NodeId, { index }: EntryId): void {
    this.#news(node).push({ index, command: null })
  }

  #performs(node: NodeId, performed: TraceDetails['apply']): void {
    this.#news(node).push({ index: performed.index, command: textOfPerformed(performed) })
  }

  #news(node: NodeId): Performed[] {
    const news = this.#performed.get(node) ?? []
    this.#performed.set(node, news)
    return news
  }

  #observe(cluster: SimulatedCluster, node: NodeId, running: Node): Observation {
    const { status } = running
    const performed = this.#performed.get(node) ?? []
    this.#performed.delete(node)
    const incarnation = this.#incarnations.get(node) ?? 0
    return { node, incarnation, status, log: this.#lookAtLog(node, running), performed, disks: disksOf(cluster) }
  }

  /** Reads the changed part of a node's log: a step changes little, and entries are never changed in place. */
  #lookAtLog(node: NodeId, running: Node): SeenLog {
    const log = this.#logs.get(node) ?? []
    this.#logs.set(node, log)
    const { first = 1, last = 0 } = running.status.log ?? {}
    const isThere = (index: Index) => index < first || running.entries(index)[0]?.text === log[index - 1]?.text
    let kept = log.length
    while (kept > 0 && !isThere(kept)) kept--
    log.length = Math.max(kept, first - 1)
    for (const entry of running.entries(log.length + 1)) {
      log.push(entry)
      if (entry.payload?.kind !== 'command') continue
      this.#entries.set(this.#stage.application.codec.decode(entry.payload.command)?.value, entry)
    }
    const at = (index: Index) => (index < first ? undefined : log[index - 1])
    return { first, changedFrom: Math.max(kept + 1, first), last, at }
  }
}

/** The text by which a performed entry is known: its command, or what the cluster's own entry holds. */
export function textOfPerformed({ command, own }: Pick<TraceDetails['apply'], 'command' | 'own'>): string {
  return JSON.stringify(command ?? own)
}

/** The disks of a cluster, as the invariants ask them. */
function disksOf({ disks, hosts }: SimulatedCluster): Observation['disks'] {
  const all = hosts.map(({ id }) => id)
  return { all, holdersOf: (entry) => all.filter((_, at) => disks[at]!.holds(entry)) }
}
