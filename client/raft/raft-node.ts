import { EventEmitter } from 'node:events'
import type { AssembledNode } from '../../src/assemble.js'
import type { Event, Random, Status } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { TlsFiles } from '../../src/network/certificates.js'
import type { NodeTls } from '../../src/network/tls.js'
import { Asking, election, none, otherChange, otherChangeHere } from './asking.js'
import {
  type AddOptions,
  type CallOptions,
  type ChangeOptions,
  type ClusterMember,
  type Patience,
  type Proposed,
  type ProposeOutcome,
  type RaftEvents,
  type ReadOptions,
  type SnapshotTaken,
  usualDeadlineMs,
} from './calls.js'
import type { Channel } from './channel.js'
import { openChannel } from './channel-work.js'
import type { EndingClock } from './clock.js'
import type { Codec } from './codec.js'
import { publishState } from './diagnostics.js'
import { Encoding } from './encoding.js'
import { committed, type EntriesOptions, type ReadableLog } from './entries.js'
import { RaftError } from './errors.js'
import { answerIn, type Committed } from './machine.js'
import { memberOf, type Peer } from './options.js'
import { callsAtOnce, outcomeOf, proposedIn, type Session, sessionOf } from './session.js'
import { type NodeStatus, statusOf } from './status.js'
import { Waiting } from './waiting.js'

const neverLate = () => new RaftError('timeout', 'nothing was committed')
/** Milliseconds that a closing node waits for the answers under way. */
const usualDrainMs = 1_000

/** A node of a replicated state machine, inside a program. */
export class RaftNode<C, R, Q = never, A = never> extends EventEmitter<RaftEvents> implements AsyncDisposable {
  readonly id: string
  /** Resolves when the node has been closed; rejects with the error if the node has failed. */
  readonly closed: Promise<void>
  readonly #clock: EndingClock
  readonly #codec: Codec<C>
  readonly #encoding: Encoding<C>
  readonly #random: Random
  readonly #waiting: Waiting
  readonly #asking: Asking
  readonly #end: { resolve(): void; reject(error: Error): void }
  #parts!: AssembledNode
  #tls: NodeTls | undefined
  #closing: Promise<void> | null = null
  #failure: Error | null = null
  /** Resolves when a node that has failed has let go of its folder and its port. */
  #released: Promise<void> | null = null
  #seen: NodeStatus | null = null
  /** Waits for the commit index to move, or for a leader. */
  readonly #watchers = new Set<() => void>()

  /** Made by `createNode`. */
  constructor(id: string, { codec, commandBytes, clock, random }: RaftNodeParts<C>) {
    super()
    this.id = id
    this.#codec = codec
    this.#encoding = new Encoding(codec, commandBytes)
    this.#clock = clock
    this.#random = random
    this.#waiting = new Waiting(clock)
    this.#asking = new Asking(clock, this.#waiting)
    let end: { resolve(): void; reject(error: Error): void }
    this.closed = new Promise<void>((resolve, reject) => {
      end = { resolve, reject }
    })
    this.#end = end!
    // A program that does not look at `closed` hears of a failure by its calls, and is not ended.
    this.closed.catch(() => {})
  }

  /** @internal */
  attach(parts: AssembledNode, tls?: NodeTls): void {
    this.#parts = parts
    this.#tls = tls
    this.#asking.attach(parts.ask)
  }

  /** @internal */
  hear(event: Event): void {
    this.#emitLater('notice', event)
  }

  /** @internal Compares the status with the last one: the rules report no event for each change. */
  turned(): void {
    const now = this.status
    const before = this.#seen
    this.#seen = now
    publishState(this.id, () => now)
    if (before?.commit !== now.commit || before.leader !== now.leader) for (const tell of [...this.#watchers]) tell()
    if (before?.leader !== now.leader || before.term !== now.term) this.#emitLater('leader', now.leader, now.term)
    if (before?.role !== now.role) this.#emitLater('role', now.role, now.term)
    if (String(before?.voters) !== String(now.voters) || String(before?.learners) !== String(now.learners))
      this.#emitLater('members', now.voters, now.learners)
    const { snapshot } = now
    if (snapshot && before?.snapshot?.index !== snapshot.index)
      this.#emitLater('snapshot', snapshot.index, snapshot.term)
  }

  /** @internal The node is of no more use: it is let go of, and everybody who waits for it is told. */
  failed(error: Error): void {
    if (this.#failure) return
    this.#failure = error
    this.#asking.end(`the node has failed: ${error.message}`, error)
    this.#waiting.endAll('left', `the node has failed: ${error.message}`, error)
    this.#clock.end()
    this.#emitLater('fatal', error)
    const rejected = () => this.#end.reject(error)
    this.#tls?.close()
    this.#released = this.#parts.release().then(rejected, rejected)
    this.#closing ??= this.#released
  }

  /** The node's place in the cluster, and how far it is. */
  get status(): NodeStatus {
    return statusOf(this.#parts.node.status as Status)
  }

  /**
   * Puts a command into the log, and resolves with its result once a majority has it and this or the leader's state
   * machine has performed it. Any node takes it, and passes it on to the leader. While no node leads, it waits.
   *
   * @throws RaftError `outcome` says whether the command is certainly not done, or may have been done
   */
  async propose(command: C, options: CallOptions = {}): Promise<Proposed<R>> {
    this.#asking.check(options.signal)
    return proposedIn(await this.#append(this.#encoding.command(command), options))
  }

  /** Puts a command into the log as {@link propose} does, and never throws. */
  async tryPropose(command: C, options: CallOptions = {}): Promise<ProposeOutcome<R>> {
    return outcomeOf(() => this.propose(command, options))
  }

  /**
   * Opens a session: each of its commands is done once, although it is asked again until its outcome is known.
   *
   * @throws RaftError if none could be opened; `overloaded` if the cluster has as many as it may have
   */
  async session(options: Patience = {}): Promise<Session<C, R>> {
    const request = () => ({ command: 'open_session', forward: true })
    // To open one twice does no harm: the one that nobody knows ends unused.
    const { session } = await this.#asking.ask(request, { ...options, passing: election, isRead: false, isOnce: true })
    const encode = (command: C) => this.#encoding.command(command)
    return sessionOf(Number(session), { asking: this.#asking, encode, callsAtOnce })
  }

  /**
   * Opens a channel: requests to append and to read go in, and all that is committed comes out, whoever has appended it.
   *
   * @param options `from` is the first index that it tells; what is committed from now on if it is left out
   */
  channel({ from }: { readonly from?: number } = {}): Channel<C> {
    this.#asking.check()
    const name = this.#random.next().toString(36).slice(2)
    return openChannel<C>({
      name,
      from,
      encoding: this.#encoding,
      log: (signal) => this.#log(signal),
      append: async (value, guard, deadlineMs) => proposedIn(await this.#append(value, { deadlineMs }, guard)),
    })
  }

  /**
   * Asks the state machine. A linearizable read sees every command that was done before the read began, at any node.
   *
   * @throws RaftError if it could not be answered; a read changes nothing, so it may be asked again
   */
  async read(query: Q, options: ReadOptions = {}): Promise<{ readonly answer: A; readonly index: number }> {
    const { consistency, atLeast, signal, deadlineMs, forward = true } = options
    const { role, leader } = this.status
    if (!forward && consistency !== 'stale' && role !== 'leader')
      throw new RaftError('not_leader', `${leader ?? 'no node'} leads`, { leader: leader ?? undefined })
    const wish = { ...(consistency && { consistency }), ...(atLeast !== undefined && { atLeast }) }
    const request = { command: 'query', value: query, ...wish, withIndex: true }
    const passing = forward ? election : none
    const given = await this.#asking.ask(() => request, { signal, deadlineMs, passing, isRead: true })
    return { answer: answerIn(given) as A, index: Number(given.index) }
  }

  /** Resolves with the name of the leader, as soon as this node knows one. @throws RaftError at the deadline */
  async untilLeader(options: Pick<CallOptions, 'signal' | 'deadlineMs'> = {}): Promise<string> {
    const { signal, deadlineMs = usualDeadlineMs } = options
    const end = this.#clock.now() + deadlineMs
    const late = () => new RaftError('no_leader', `no node leads after ${deadlineMs} ms`)
    while (this.status.leader === null) await this.#untilTurned(signal, end - this.#clock.now(), late)
    return this.status.leader
  }

  /**
   * Reads the commands that are committed, in the order of the log, at this node; the reader sets the pace. With
   * `follow`, it goes on with those to come, whoever proposes them.
   *
   * @throws RaftError `compacted` if an entry that is asked for is only in a snapshot; `closed` when the node ends
   */
  entries(options: EntriesOptions = {}): AsyncIterable<Committed<C>> {
    return committed(this.#log(options.signal), this.#codec, options)
  }

  #log(signal: AbortSignal | undefined): ReadableLog {
    const node = this
    const entries = (from: number, to: number) => node.#parts.node.entries(from).slice(0, Math.max(0, to - from + 1))
    return {
      get first() {
        return node.status.log.first
      },
      get commit() {
        return node.status.commit
      },
      get end() {
        const { commit, snapshot } = node.status
        const term = entries(commit, commit)[0]?.term ?? (snapshot?.index === commit ? snapshot.term : 0)
        return { index: commit, term }
      },
      entries,
      more: () => node.#untilTurned(signal, Number.POSITIVE_INFINITY, neverLate),
    }
  }

  /** Lists the members, as this node knows them. */
  async members(): Promise<readonly ClusterMember[]> {
    const { members } = await this.#asking.ask(() => ({ command: 'members' }), { passing: none, isRead: true })
    return (members as ClusterMember[]).map(({ id, peer, role }) => ({ id, peer, role }))
  }

  /**
   * Takes in a node that runs: it catches up, and then votes, or stays a learner. Any node takes the request, and passes
   * it on.
   */
  async addMember(peer: Peer, { role = 'voter', ...options }: AddOptions = {}): Promise<void> {
    const { id: node, ...addresses } = memberOf(peer)
    await this.#change({ command: 'add_node', node, ...addresses, ...(role !== 'voter' && { role }) }, options)
  }

  /** Has a learner vote, when its log is near the end of the leader's. Any node takes the request. */
  async promote(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change({ command: 'promote', node: id }, options)
  }

  /** Makes a learner of a voter: it is sent all entries, and counts for nothing. Any node takes the request. */
  async demote(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change({ command: 'demote', node: id }, options)
  }

  /** Lets a member go. Any node takes the request. */
  async removeMember(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change({ command: 'remove_node', node: id }, options)
  }

  /** Puts these voters in the place of all others, in one change. Any node takes the request. */
  async reconfigure(voters: readonly (string | Peer)[], options: ChangeOptions = {}): Promise<void> {
    const names = voters.map((one) => (typeof one === 'string' ? one : nameWithAddresses(one)))
    await this.#change({ command: 'reconfigure', voters: names }, options)
  }

  /**
   * Has the leader hand over to this node, or to the one that is nearest. Any node takes the request.
   *
   * @returns the new leader
   */
  async transferLeadership(to?: string, options: CallOptions = {}): Promise<string> {
    const { leader: before, term } = this.status
    try {
      const { leader } = await this.#change({ command: 'transfer_leader', ...(to !== undefined && { to }) }, options)
      return String(leader)
    } catch (error) {
      // The old leader may have left before it could say that it has.
      if (!(error instanceof RaftError) || error.outcome === 'refused') throw error
      const { leader, term: later } = this.status
      if (leader === null || later === term || leader === before || leader !== (to ?? leader)) throw error
      return leader
    }
  }

  /**
   * Takes a snapshot of this node now, and resolves when it is durable. The log lets go of what two snapshots hold.
   *
   * @throws RaftError `bad_request` if nothing is committed yet; `overloaded` if the disk has no room
   */
  async snapshot(options: Patience = {}): Promise<SnapshotTaken> {
    const wish = { ...options, passing: none, isRead: true }
    const { index, term, bytes } = await this.#asking.ask(() => ({ command: 'snapshot_now' }), wish)
    return { index: Number(index), term: Number(term), bytes: Number(bytes) }
  }

  /** Closes the node: a leader hands over, and answers under way are waited for. Closing twice does no harm. */
  close({ drainMs = usualDrainMs }: { readonly drainMs?: number } = {}): Promise<void> {
    if (!this.#closing) this.#asking.end('the node is closed')
    this.#closing ??= this.#stop(drainMs)
    return this.#closing
  }

  /**
   * Reads the certificate of `tls` again. New connections have it; those that stand are left alone.
   *
   * @param files other places of it; those of `createNode` if they are left out
   * @throws ConfigError with a `code`, if it cannot be used, or the node has none; the one before stays then
   */
  renewCertificate(files?: TlsFiles): void {
    if (!this.#tls) throw new ConfigError('this node has no certificate: createNode was given no tls')
    this.#tls.reload(files)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #stop(drainMs: number): Promise<void> {
    this.#tls?.close()
    try {
      await this.#parts.node.stop(drainMs)
    } catch (error) {
      this.failed(error as Error)
    }
    if (this.#released) return this.#released
    this.#waiting.endAll('left', 'the node was closed before it knew the outcome')
    this.#clock.end()
    this.#end.resolve()
  }

  /** Waits until the commit index has moved, or another node leads. */
  async #untilTurned(signal: AbortSignal | undefined, ms: number, late: () => RaftError): Promise<void> {
    this.#asking.check(signal)
    await this.#waiting.for<void>(
      (settle) => {
        this.#watchers.add(settle)
        return () => this.#watchers.delete(settle)
      },
      { signal, ms, late },
    )
  }

  /** Puts an entry into the log; a guard says behind which place. */
  #append(value: unknown, { signal, deadlineMs, forward = true }: CallOptions, guard: object = {}) {
    const own = { command: 'propose', value, ...guard }
    // A node that leads does not pass on; if it leads no more, it refuses, and is asked again.
    const request = () => (forward && this.#seen?.role !== 'leader' ? { ...own, forward } : own)
    return this.#asking.ask(request, { signal, deadlineMs, passing: forward ? election : none, isRead: false })
  }

  #change(request: Record<string, unknown>, { force, forward = true, ...patience }: ChangeOptions) {
    const asked = { ...request, ...(force && { force }), ...(forward && { forward }) }
    const passing = forward ? otherChange : otherChangeHere
    return this.#asking.ask(() => asked, { ...patience, passing, isRead: false })
  }

  /** Emits an event when the node's turn is over: a listener that throws is no fault of the node. */
  #emitLater<K extends keyof RaftEvents>(name: K, ...values: RaftEvents[K]): void {
    process.nextTick(() => (this as EventEmitter).emit(name, ...values))
  }
}

/** The parts of which `createNode` makes a node. */
interface RaftNodeParts<C> {
  readonly codec: Codec<C>
  /** Bytes of an entry at most. */
  readonly commandBytes: number
  readonly clock: EndingClock
  readonly random: Random
}

function nameWithAddresses(one: Peer): string {
  const { id, client, peer } = memberOf(one)
  return `${id}=${client}/${peer}`
}
