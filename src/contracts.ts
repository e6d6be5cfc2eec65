/**
 * The doors: every interface between the four floors, on one page.
 *
 * `stages/` decides (pure, synchronous), `src/` does (sockets, disk, clock), `client/` asks, `test/` doubts.
 * Whatever crosses from one floor to another has its type here.
 */

import type { Admission } from './admission.js'
import type { Entry } from './entries.js'
import type { Event } from './events.js'
import type { EntryId, Index, NodeId, Term } from './ids.js'
import type { Foreigner, Greeting, Identity, Member, Message, PeerMember } from './messages.js'
import type { Answer, Command, Request, RequestId } from './requests.js'
import type { Apply, Performance, Query } from './results.js'
import type { Chunk, Kept, Piece, Snapshot, SnapshotHeader } from './snapshot.js'
import type { SnapshotPiece } from './snapshot-piece.js'
import type { Status } from './status.js'
import type { Timing } from './timing.js'

export { addressProblem, plainAddress } from './address.js'
export type { Admission } from './admission.js'
export * from './client-rules.js'
export * from './entries.js'
export type { Event, EventDetails, TraceDetails, Traced, TraceEvent } from './events.js'
export * from './ids.js'
export { compareKeys } from './key-order.js'
export * from './messages.js'
export * from './requests.js'
export type { Apply, Performance, Query, Result } from './results.js'
export * from './snapshot.js'
export type { AwaitedStatus, ChangeStatus, MembershipStatus, Status } from './status.js'
export { defaultTiming, type Timing } from './timing.js'

// ------------------------------------------------------------------------------------------- the core of a node

/** One stage's node with the world taken away: input in, effects out, no I/O, no clock, nothing asynchronous. */
export interface Core {
  /** A message has come from a peer. */
  receive(message: Message): void
  /** A request has come from a client of this node. */
  request(request: Request): void
  /**
   * A step of logical time has passed ({@link Timing.tickMs}); never a clock reading. Missed ticks are not made up for.
   */
  tick(): void
  /** The log store holds everything up to this entry. */
  durable(upTo: EntryId): void
  /** A committed entry is about to be performed, after all entries before it. */
  perform(entry: Apply): Performance
  /** The state machine has performed everything up to this index. */
  applied(upTo: Index): void
  /**
   * A snapshot is durable under its name: one that was asked for, or one whose last chunk has come. Null if the disk
   * had no room for one that was asked for; the rules may ask for it again.
   */
  saved(snapshot: Snapshot | null): void
  /** A chunk that was to be kept is on the disk, or the disk had no room for it. */
  held(kept: Kept): void
  /**
   * Values of JSON that the rules keep in a snapshot. The shell asks when all entries up to the snapshot's last have
   * been performed, and none behind it.
   */
  kept(): readonly unknown[]
  /**
   * A snapshot takes the place of the whole state, and the rules kept these values in it. Then comes {@link applied}.
   */
  restored(kept: readonly unknown[]): void
  /** The network has met a node of another cluster, and refused it; or a peer hears a double of this node instead. */
  foreign(node: Foreigner): void
  /** A node has said which features of the log it knows. */
  greeted(peer: Greeting): void
  /** The node's disk and cluster; null at the stages where names are enough. */
  readonly identity: Identity | null
  /** The log from this index on, for tests and checkers; empty at the stages that keep none. */
  entries(from: Index): readonly Entry[]
  /** Takes the effects decided since the last take. */
  take(): Effects
  /** The node's status, as plain data for `info`, traces and checkers. */
  readonly status: Status
}

export interface Reply {
  readonly request: RequestId
  readonly answer: Answer
  /** Bytes of a snapshot that go with the answer; the shell reads them. */
  readonly piece?: SnapshotPiece
}

/**
 * A record to make durable; the records of a batch are kept in order. Term and vote go together, in the same ordered
 * stream as the entries, so that no crash can keep one and lose the records before it.
 */
export type PersistRecord =
  | { readonly record: 'term'; readonly term: Term; readonly votedFor: NodeId | null }
  /** All entries from this index on are taken back. */
  | { readonly record: 'truncate'; readonly from: Index }
  | { readonly record: 'entry'; readonly entry: Entry }
  /** A snapshot holds all entries up to this one. A log that ends before this entry begins anew behind it. */
  | { readonly record: 'snapshot'; readonly snapshot: EntryId }

/** One durable write: all of it or, after a crash, a beginning of it. `upTo` is reported to {@link Core.durable}. */
export interface Persist {
  readonly records: readonly PersistRecord[]
  /** The log's last entry, once all of this is written. */
  readonly upTo: EntryId
  /**
   * The highest index known to be committed when the batch was made, at most that of {@link upTo}; left out or 0 where
   * none is known. The hint is written with the batch and costs no sync: a commit without a batch waits for the next.
   */
  readonly commit?: Index
}

export interface Effects {
  /**
   * One durable write. The core gives the next one when this one is durable: decisions of the meantime gather and
   * become one write (group commit).
   */
  persist: Persist | null
  /** Messages that may leave at once. */
  send: Message[]
  /** Messages that leave only after {@link persist} is on disk; at once if there is none. */
  sendWhenDurable: Message[]
  /** A snapshot that takes the place of the state machine's contents, before anything of {@link apply} is performed. */
  restore: Snapshot | null
  /** Committed entries for the state machine, in order. */
  apply: Apply[]
  /** Reads for the state machine, each at its place among {@link apply}: they change nothing. */
  query: Query[]
  /**
   * The header of a snapshot to be saved, with the state machine's contents behind all of {@link apply}; null if none
   * is due.
   */
  snapshot: SnapshotHeader | null
  /** Pieces of snapshots to be sent, as soon as their bytes have been read. */
  sendChunks: Piece[]
  /** Pieces of a leader's snapshot that have come, to be kept. */
  keepChunks: Chunk[]
  /** Snapshots to be kept besides the log's own two, from before `persist` on; null while they stay as they are. */
  hold: readonly EntryId[] | null
  /** The nodes to be connected with from here on; null while they stay as they are. */
  peers: readonly PeerMember[] | null
  /** Answers to clients, which leave at once. */
  replies: Reply[]
  events: Event[]
}

export function noEffects(): Effects {
  return {
    persist: null,
    send: [],
    sendWhenDurable: [],
    restore: null,
    apply: [],
    query: [],
    snapshot: null,
    sendChunks: [],
    keepChunks: [],
    hold: null,
    peers: null,
    replies: [],
    events: [],
  }
}

/** Settings of a node, with the contents of its disk. */
export interface NodeOptions {
  readonly id: NodeId
  /** All members, this node included, in configured order. */
  readonly members: readonly Member[]
  readonly random: Random
  readonly timing: Timing
  /** The contents of its disk, which an earlier life of this node left. */
  readonly recovered: Recovered
  /** True if this node, and no other, founds the cluster if its disk is empty (stage 8 on). */
  readonly bootstrap: boolean
  /** The preference for this node as leader: the higher number goes first (stage 10); 0 if it is left out. */
  readonly priority?: number
  /** The features that this node knows, and that it has switched on once all members know them; none if it is left out. */
  readonly features?: readonly string[]
  /** The machine's monotonic clock. Leases read it (stage 10), and no other rule does. */
  readonly machineClock: Pick<Clock, 'now'>
  /** The room that the node has for more commands (stage 10 on); if it is left out, there is room for all. */
  readonly admission?: Admission | undefined
  /** Facts of the process (pid, addresses) that `info` repeats; no rule reads them. */
  readonly about: Readonly<Record<string, unknown>>
}

/** Settings of a node before its disk is read. */
export type NodeSettings = Omit<NodeOptions, 'recovered' | 'machineClock'>

// ------------------------------------------------------------------------------------------------ doors to the world

/** The contents of a node's disk when it starts again: everything that was durable when it ended. */
export interface Recovered {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The entry before the first of {@link entries}; index and term 0 where the log begins at its beginning. */
  readonly edge: EntryId
  /** The entries of the log, without a gap. */
  readonly entries: readonly Entry[]
  /**
   * The last entry known to be committed, by the hints of the batches ({@link Persist.commit}) and by the snapshots; 0
   * where nothing is known. Never beyond the last entry, nor before the newest snapshot's.
   */
  readonly commit: Index
  /**
   * Snapshots, the newest first, two at most: if the newest cannot be read, there is the older one, and all entries
   * behind it.
   */
  readonly snapshots: readonly Snapshot[]
  /** The disk's random name, drawn when it was first used: a disk that replaces a lost one has another. */
  readonly incarnation: string
}

export const theBeginning: EntryId = { index: 0, term: 0 }

export const nothingRecovered: Recovered = {
  term: 0,
  votedFor: null,
  edge: theBeginning,
  entries: [],
  commit: 0,
  snapshots: [],
  incarnation: '',
}

/**
 * The store of a node's log (stage 4 on), and of its snapshots (stage 7 on). A failed write is final: the node stops.
 */
export interface LogStore {
  /** Reads the log. Called once, before anything else. @throws if the log cannot be trusted */
  open(): Promise<Recovered>
  /**
   * Writes a batch, one at a time; resolves when every record is durable. A record of a snapshot lets go of snapshots
   * older than the last two, and of the entries that the older of these two holds. A hint of a commit outlives its
   * batch; a batch that knows less takes nothing back. Rejects a hint beyond the log's end, and a truncation of an entry
   * that is known to be committed.
   */
  write(batch: Persist): Promise<void>
  readonly snapshots: SnapshotStore
  close(): Promise<void>
}

/** The result of receiving a piece of a snapshot. */
export interface Received {
  /** Bytes of the file that are there now, counted from its start. */
  readonly held: number
  /** The whole snapshot, once it is durable; null until then. */
  readonly snapshot: Snapshot | null
}

/**
 * A store of snapshots: each is whole and verified under its name, or not there at all. A snapshot counts once the log
 * has a record of it.
 */
export interface SnapshotStore {
  /**
   * Writes a snapshot aside, and resolves when it is durable under its name. One at a time.
   *
   * @throws NoRoomError if it was given up because the disk is full: the log goes on without it
   * @param body whole lines of text, many at a time
   */
  save(header: SnapshotHeader, body: AsyncIterable<string>): Promise<Snapshot>
  /** Reads the body of a snapshot as it was saved, in pieces of whole lines. @throws if it has changed */
  load(snapshot: EntryId): AsyncIterable<string>
  /** Reads a piece of a snapshot's file, shorter at its end; null if the snapshot is not kept any more. */
  read(snapshot: EntryId, offset: number, length: number): Promise<Uint8Array | null>
  /**
   * Keeps a piece of a file that another node sends; a piece that does not join the bytes that are there changes
   * nothing. A whole file that is not the announced one is thrown away: nothing of it is held then.
   *
   * @throws NoRoomError if the disk is full: nothing of the file is held then, and the log goes on
   */
  receive(chunk: Chunk): Promise<Received>
  /** Keeps these snapshots as well, until others are named or the process ends: followers are being sent them. */
  hold(snapshots: readonly EntryId[]): void
}

/** The state on which the cluster agrees. A batch is performed as one critical section. */
export interface StateMachine {
  /**
   * Performs commands: one answer for each, in order. It never rejects for a command's content: a refusal is an answer
   * too.
   *
   * @param places the entry of each command; the shell always names them
   */
  apply(batch: readonly Command[], places?: readonly EntryId[]): Promise<Answer[]>
  /**
   * Answers reads: one answer for each, in order, from the state behind every batch given before. A batch is one
   * critical section. @throws if a command would change the state
   */
  query(batch: readonly Command[]): Promise<Answer[]>
  /**
   * The state at this moment, as whole lines of text, many at a time; commands performed while they are read do not
   * show in them. Equal states give equal lines. One snapshot at a time.
   */
  snapshot(): Promise<AsyncIterable<string>>
  /** Puts the contents of a snapshot in the place of the whole state. */
  restore(body: AsyncIterable<string>): Promise<void>
  /**
   * True if an answer to a read is of the moment at which it was asked, whatever is performed before it is there: the
   * shell does not wait for it then. Left out if commands must wait for the answers to reads before them.
   */
  readonly answersBeside?: boolean
  /** The state at this moment, for tests and checkers: replicas are compared by it. */
  contents(): ReadonlyMap<string, string>
  /** Bytes that the state holds now, of its keys and values in UTF-8; left out by a machine that does not count them. */
  readonly bytes?: number
}

/** The form of an application's commands in entries. Equal commands have equal forms. */
export interface CommandCodec {
  /** Encodes a command as a JSON value, which stands in the log as it is; or as bytes, which stand there as base64. */
  encode(command: Command): unknown
  /** Decodes a command. @returns null if this is no command of the application: no entry with it passes a wire */
  decode(encoded: unknown): Command | null
}

/** Carries messages between nodes; may lose, repeat and reorder them. */
export interface Network {
  /**
   * @param meet hears of each node of another cluster that was refused, each time; and of this node's double, each time
   *   that a peer refuses this node because it hears the double
   * @param greet hears which features a node knows, when its hello says so, and when its connection has ended
   */
  start(
    receive: (message: Message) => void,
    meet?: (node: Foreigner) => void,
    greet?: (peer: Greeting) => void,
  ): Promise<void>
  /**
   * Sets the identity of this node from here on: peers are told when they connect, and those of another cluster are
   * refused.
   */
  setIdentity(identity: Identity): void
  /** Sends a message; never blocks and never throws: a message that cannot be sent is lost. */
  send(message: Message): void
  /** Sets the nodes to be connected with from here on; at first they are those with which the network was made. */
  setPeers(peers: readonly PeerMember[]): void
  stop(): Promise<void>
}

/** Turns peer messages into bytes and back; throws on bytes that are no message of this stage. */
export interface Codec {
  encode(message: Message): Uint8Array
  decode(bytes: Uint8Array): Message
}

/** Time as the shell needs it; the simulator has one of its own. */
export interface Clock {
  /** Milliseconds since some fixed moment; never runs backwards. */
  now(): number
  /** Runs `task` after `ms` milliseconds, unless the returned function is called first. */
  after(ms: number, task: () => void): () => void
  /** Runs `task` once everything that has already arrived has been read. */
  soon(task: () => void): void
}

/** A source of chance: the operating system's, or a seed's. */
export interface Random {
  /** Draws a number, at least 0 and below 1. */
  next(): number
}

// -------------------------------------------------------------------------------------------------- what is promised

/** The guarantees of the matrix; `src/proof/guarantees.ts` says what each one means. */
export type GuaranteeId = `G${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16}`

/**
 * Names of the properties that must hold of a cluster at every moment; the simulator watches those in a stage's table.
 */
export type InvariantName =
  | 'appliedNeverFalls'
  | 'commitNeverFalls'
  | 'termNeverFalls'
  | 'oneLeaderPerTerm'
  | 'leaderAppendsOnly'
  | 'logsMatch'
  | 'leadersAreComplete'
  | 'committedIsDurable'
  | 'stateMachinesAgree'
  | 'oneHistory'
  | 'snapshotsAgree'
