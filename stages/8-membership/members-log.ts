import type { Entry, EntryId, Index, Recovered, SnapshotHeader } from '../../src/contracts.js'
import type { Quorum } from '../2-naive-replication/quorum.js'
import { CompactLog } from '../7-log-compaction/compact-log.js'
import {
  type Configuration,
  configurationIn,
  isSame,
  membersOf,
  nobody,
  quorumOf,
  type Server,
} from './configuration.js'

/** A configuration with its quorum, and the index of its entry; 0 before the first. */
export interface Placed {
  readonly index: Index
  readonly configuration: Configuration
  readonly quorum: Quorum
}

function place(index: Index, configuration: Configuration): Placed {
  return { index, configuration, quorum: quorumOf(configuration) }
}

/**
 * A log that knows the members: a node always goes by the latest configuration in its log, committed or not (§6). So a
 * configuration is in force when it is appended, and gone when it is taken back.
 */
export class MembersLog extends CompactLog {
  /**
   * The configuration in force at the edge, and those behind it. If the snapshot at the edge is lost, the newer
   * snapshot may still name the first one; if it does not, the first one is empty.
   */
  #placed: Placed[]

  constructor({ edge, entries, snapshots }: Recovered) {
    super(edge, entries)
    const oldest = placedIn(snapshots.at(-1))
    this.#placed = [oldest.index <= edge.index ? oldest : place(0, nobody)]
    for (const entry of entries) this.#note(entry)
  }

  get configuration(): Placed {
    return this.#placed.at(-1)!
  }

  /** The quorum of the configuration in force, read anew at each question. */
  readonly quorum: Quorum = { has: (nodes) => this.configuration.quorum.has(nodes) }

  /** The configuration in force at an index. */
  configurationAt(index: Index): Placed {
    return this.#placed.findLast((placed) => placed.index <= index)!
  }

  /**
   * Checks whether a configuration that this log knows names this node with this disk, and the latest names no other
   * disk for it.
   */
  admits(server: Server): boolean {
    const named = this.#placed.map(({ configuration }) => membersOf(configuration).find(({ id }) => id === server.id))
    const latest = named.at(-1)
    return named.some((one) => one && isSame(one, server)) && (!latest || isSame(latest, server))
  }

  /**
   * Checks whether this log knows no configuration of the cluster but that of its founder alone, and the founder is
   * this server.
   */
  isFoundedBy(server: Server): boolean {
    const isAlone = ({ voters, outgoing }: Configuration) =>
      outgoing === null && voters.length === 1 && isSame(voters[0]!, server)
    return this.edge.index === 0 && this.#placed.slice(1).every(({ configuration }) => isAlone(configuration))
  }

  override append(entry: Entry): void {
    super.append(entry)
    this.#note(entry)
  }

  override truncate(from: Index): void {
    super.truncate(from)
    this.#placed = this.#placed.filter(({ index }) => index < from)
  }

  override forget(edge: EntryId): void {
    const base = this.configurationAt(edge.index)
    super.forget(edge)
    this.#placed = [base, ...this.#placed.filter(({ index }) => index > edge.index)]
  }

  override beginAfter(snapshot: SnapshotHeader): void {
    const placed = placedIn(snapshot)
    this.#checkOrigin(placed.configuration)
    super.beginAfter(snapshot)
    this.#placed = [placed]
  }

  /**
   * A log never holds two histories: the indexes and terms of one would pass for those of the other.
   *
   * @throws Error if the configuration is of another origin
   */
  #checkOrigin({ origin }: Configuration): void {
    const known = this.#placed.at(-1)!.configuration.origin
    if (known !== '' && origin !== '' && origin !== known)
      throw new Error(`a log of the cluster ${known} was to take over what belongs to the cluster ${origin}`)
  }

  #note({ index, payload }: Entry): void {
    if (payload?.kind !== 'configuration') return
    const configuration = configurationIn(payload.configuration)
    if (!configuration) return
    this.#checkOrigin(configuration)
    this.#placed.push(place(index, configuration))
  }
}

function placedIn(snapshot: SnapshotHeader | undefined): Placed {
  const index = Number(snapshot?.configurationIndex ?? 0)
  return place(index, configurationIn(snapshot?.configuration) ?? nobody)
}
