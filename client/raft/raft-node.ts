import { EventEmitter } from 'node:events'
import type { AssembledNode } from '../../src/assemble.js'
import type { Answer, Event, Failure, Status } from '../../src/contracts.js'
import type { EndingClock } from './clock.js'
import { type Codec, portable } from './codec.js'
import { committed, type EntriesOptions, type ReadableLog } from './entries.js'
import { RaftError } from './errors.js'
import { answerIn, type Committed } from './machine.js'
import { memberOf, type Peer } from './options.js'
import { type NodeStatus, statusOf } from './status.js'
import { Waiting } from './waiting.js'

/** Settings of one call. */
export interface CallOptions {
  /** Ends the waiting. A command whose waiting ends so may be done all the same. */
  readonly signal?: AbortSignal | undefined
  /** Milliseconds that the call may take; 10,000 if it is left out. */
  readonly deadlineMs?: number | undefined
  /** False if only the leader may take the call: any other node refuses it, and names the leader. */
  readonly forward?: boolean
}

/** Settings of a read. */
export interface ReadOptions extends CallOptions {
  /** `linearizable` if it is left out; `stale` for what this node has, without asking the leader. */
  readonly consistency?: 'linearizable' | 'stale'
  /** The entry that the node must have performed before it answers: the index of a result gives read-your-writes. */
  readonly atLeast?: number
}

/** A command that was done: its result, and its place in the log. */
export interface Proposed<R> {
  readonly result: R
  readonly index: number
  readonly term: number
}

/** The outcome of a command. `refused` is certainly not done; `unknown` may have been done, or may still be. */
export type ProposeOutcome<R> =
  | ({ readonly outcome: 'done' } & Proposed<R>)
  | { readonly outcome: 'refused' | 'unknown'; readonly error: RaftError }

/** A member of the cluster. A learner gets the log, and has no vote yet. */
export interface ClusterMember extends Peer {
  readonly role: 'voter' | 'learner'
}

/** Events of a node, with their arguments. */
export interface RaftEvents {
  /** Another node leads, as far as this one knows; null while none does. */
  leader: [leader: string | null, term: number]
  role: [role: string, term: number]
  /** The names of the voters, and of the learners, have changed. */
  members: [voters: readonly string[], learners: readonly string[]]
  /** A snapshot is durable; it holds all entries up to this one. */
  snapshot: [index: number, term: number]
  /** The rules or the network report something; for a log file. */
  notice: [event: Event]
  /** The node has failed, and is closed. */
  fatal: [error: Error]
}

const usualDeadlineMs = 10_000
const neverLate = () => new RaftError('timeout', 'nothing was committed')
/** Milliseconds before a call that was refused for want of a leader is tried again. */
const pauseMs = 50
/** Milliseconds that a closing node waits for the answers under way. */
const usualDrainMs = 1_000

/** A node of a replicated state machine, inside a program. */
export class RaftNode<C, R, Q = never, A = never> extends EventEmitter<RaftEvents> implements AsyncDisposable {
  readonly id: string
  /** Resolves when the node has been closed; rejects with the error if the node has failed. */
  readonly closed: Promise<void>
  readonly #clock: EndingClock
  readonly #codec: Codec<C>
  readonly #commandBytes: number
  readonly #waiting: Waiting
  readonly #end: { resolve(): void; reject(error: Error): void }
  #parts!: AssembledNode
  #closing: Promise<void> | null = null
  #failure: Error | null = null
  /** Resolves when a node that has failed has let go of its folder and its port. */
  #released: Promise<void> | null = null
  #seen: NodeStatus | null = null
  /** Waits for the commit index to move, or for a leader. */
  readonly #watchers = new Set<() => void>()

  /** Made by `createNode`. */
  constructor(id: string, codec: Codec<C>, commandBytes: number, clock: EndingClock) {
    super()
    this.id = id
    this.#codec = codec
    this.#commandBytes = commandBytes
    this.#clock = clock
    this.#waiting = new Waiting(clock)
    let end: { resolve(): void; reject(error: Error): void }
    this.closed = new Promise<void>((resolve, reject) => {
      end = { resolve, reject }
    })
    this.#end = end!
    // A program that does not look at `closed` hears of a failure by its calls, and is not ended.
    this.closed.catch(() => {})
  }

  /** @internal */
  attach(parts: AssembledNode): void {
    this.#parts = parts
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
    this.#waiting.endAll('left', `the node has failed: ${error.message}`, error)
    this.#clock.end()
    this.#emitLater('fatal', error)
    const rejected = () => this.#end.reject(error)
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
    const { signal, deadlineMs, forward = true } = options
    const value = this.#encoded(command)
    // A node that leads does not pass on; if it leads no more, it refuses, and is asked again.
    const request = () =>
      forward && this.#seen?.role !== 'leader'
        ? { command: 'propose', value, forward: true }
        : { command: 'propose', value }
    const answer = await this.#ask(request, { signal, deadlineMs, passing: forward ? election : none, isRead: false })
    const { result, index, term } = answer as unknown as Proposed<R>
    return { result, index, term }
  }

  /** Puts a command into the log as {@link propose} does, and never throws. */
  async tryPropose(command: C, options: CallOptions = {}): Promise<ProposeOutcome<R>> {
    try {
      return { outcome: 'done', ...(await this.propose(command, options)) }
    } catch (thrown) {
      const error =
        thrown instanceof RaftError ? thrown : new RaftError('bad_command', String(thrown), { cause: thrown })
      return { outcome: error.outcome, error }
    }
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
    const given = await this.#ask(() => request, {
      signal,
      deadlineMs,
      passing: forward ? election : none,
      isRead: true,
    })
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
    const { signal } = options
    const status = () => this.status
    const log: ReadableLog = {
      get first() {
        return status().log.first
      },
      get commit() {
        return status().commit
      },
      entries: (from) => this.#parts.node.entries(from),
      more: () => this.#untilTurned(signal, Number.POSITIVE_INFINITY, neverLate),
    }
    return committed(log, this.#codec, options)
  }

  /** Lists the members, as this node knows them. */
  async members(): Promise<readonly ClusterMember[]> {
    const { members } = await this.#ask(() => ({ command: 'members' }), { passing: none, isRead: true })
    return (members as ClusterMember[]).map(({ id, peer, role }) => ({ id, peer, role }))
  }

  /** Takes in a node that runs: it catches up, and then votes. To be asked of the leader. */
  async addMember(peer: Peer, options: ChangeOptions = {}): Promise<void> {
    const { id: node, ...addresses } = memberOf(peer)
    await this.#change({ command: 'add_node', node, ...addresses }, options)
  }

  /** Lets a member go. To be asked of the leader. */
  async removeMember(id: string, options: ChangeOptions = {}): Promise<void> {
    await this.#change({ command: 'remove_node', node: id }, options)
  }

  /** Puts these voters in the place of all others, in one change. To be asked of the leader. */
  async reconfigure(voters: readonly (string | Peer)[], options: ChangeOptions = {}): Promise<void> {
    const names = voters.map((one) => (typeof one === 'string' ? one : nameWithAddresses(one)))
    await this.#change({ command: 'reconfigure', voters: names }, options)
  }

  /** Hands over to this node, or to the one that is nearest. To be asked of the leader. @returns the new leader */
  async transferLeadership(to?: string, options: Omit<CallOptions, 'forward'> = {}): Promise<string> {
    const request = { command: 'transfer_leader', ...(to !== undefined && { to }) }
    const { leader } = await this.#ask(() => request, { ...options, passing: none, isRead: false })
    return String(leader)
  }

  /** Closes the node: a leader hands over, and answers under way are waited for. Closing twice does no harm. */
  close({ drainMs = usualDrainMs }: { readonly drainMs?: number } = {}): Promise<void> {
    this.#closing ??= this.#stop(drainMs)
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #stop(drainMs: number): Promise<void> {
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
    this.#check(signal)
    await this.#waiting.for<void>(
      (settle) => {
        this.#watchers.add(settle)
        return () => this.#watchers.delete(settle)
      },
      { signal, ms, late },
    )
  }

  async #change(request: Record<string, unknown>, { force, ...options }: ChangeOptions): Promise<void> {
    await this.#ask(() => ({ ...request, ...(force && { force }) }), {
      ...options,
      passing: otherChange,
      isRead: false,
    })
  }

  /** @throws RaftError if the command cannot be replicated: nothing was done then */
  #encoded(command: C): unknown {
    try {
      const { value, bytes } = portable(this.#codec.encode(command), 'command', true)
      if (bytes > this.#commandBytes && exactBytes(value) > this.#commandBytes)
        throw new RaftError('too_large', `the command takes more than ${this.#commandBytes} bytes in the log`)
      // A command that the codec cannot read again would stop every node.
      this.#codec.decode(value)
      return value
    } catch (thrown) {
      if (thrown instanceof RaftError) throw thrown
      const { message } = thrown as Error
      throw new RaftError('bad_command', `the codec refuses the command: ${message}`, { cause: thrown })
    }
  }

  /** Asks the node, and again for as long as it refuses for a reason that passes. */
  async #ask(request: () => Record<string, unknown>, wish: Wish): Promise<Answer & { ok: true }> {
    const { signal, deadlineMs = usualDeadlineMs, passing, isRead } = wish
    const end = this.#clock.now() + deadlineMs
    const late = () => new RaftError('timeout', `no answer within ${deadlineMs} ms`, { definite: isRead })
    for (;;) {
      this.#check(signal)
      const answer = await this.#waiting.for<Answer>(
        (settle) => {
          this.#parts.ask(request(), settle)
          return () => {}
        },
        { signal, ms: end - this.#clock.now(), late },
      )
      if (answer.ok) return answer
      const isOver = end - this.#clock.now() <= pauseMs
      const { code, definite } = answer.error
      if (isOver || !definite || !passing.has(code)) throw errorOf(answer.error, isRead)
      await this.#waiting.pause(pauseMs, signal)
    }
  }

  /** @throws RaftError if nothing can be asked any more */
  #check(signal: AbortSignal | undefined): void {
    if (this.#failure)
      throw new RaftError('closed', `the node has failed: ${this.#failure.message}`, { cause: this.#failure })
    if (this.#closing) throw new RaftError('closed', 'the node is closed')
    if (signal?.aborted) throw new RaftError('aborted', 'the signal was aborted', { cause: signal.reason })
  }

  /** Emits an event when the node's turn is over: a listener that throws is no fault of the node. */
  #emitLater<K extends keyof RaftEvents>(name: K, ...values: RaftEvents[K]): void {
    process.nextTick(() => (this as EventEmitter).emit(name, ...values))
  }
}

/** Settings of a change of members. */
export interface ChangeOptions extends Pick<CallOptions, 'signal' | 'deadlineMs'> {
  /** True to make the change also if too few of the members are alive afterwards. */
  readonly force?: true
}

interface Wish extends Pick<CallOptions, 'signal' | 'deadlineMs'> {
  /** Refusals after which the node is asked again. */
  readonly passing: ReadonlySet<string>
  /** True if the request changes nothing, so that no outcome of it is unknown. */
  readonly isRead: boolean
}

/** Refusals that pass when a node is elected. A read that no leader has confirmed in time may be asked again as well. */
const election: ReadonlySet<string> = new Set(['no_leader', 'not_leader', 'timeout'])
/** A change of members waits for the one under way. */
const otherChange: ReadonlySet<string> = new Set(['change_in_progress'])
const none: ReadonlySet<string> = new Set()

function errorOf({ code, message, definite, leader }: Failure, isRead: boolean): RaftError {
  const name = typeof leader === 'string' ? leader : undefined
  if (code === 'shutting_down') return new RaftError('closed', 'the node is closed')
  return new RaftError(code, message, { definite: definite || isRead, leader: name })
}

function nameWithAddresses(one: Peer): string {
  const { id, client, peer } = memberOf(one)
  return `${id}=${client}/${peer}`
}

const exactBytes = (value: unknown) =>
  value instanceof Uint8Array ? Math.ceil((value.length * 4) / 3) : Buffer.byteLength(JSON.stringify(value))
