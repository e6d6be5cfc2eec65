/**
 * The doors: every interface between the four floors, on one page.
 *
 * `stages/` decides (pure, synchronous), `src/` does (sockets, disk, clock), `client/` asks, `test/` doubts.
 * Whatever crosses from one floor to another has its type here.
 */

import type { Entry, Payload } from './entries.js'
import type { Event } from './events.js'
import type { EntryId, Index, NodeId, Term } from './ids.js'
import type { Foreigner, Identity, Member, Message, PeerMember } from './messages.js'
import type { Answer, Command, Request, RequestId } from './requests.js'
import type { Status } from './status.js'
import type { Timing } from './timing.js'

export { addressProblem, plainAddress } from './address.js'
export * from './client-rules.js'
export * from './entries.js'
export type { Event, EventDetails, TraceDetails, Traced, TraceEvent } from './events.js'
export * from './ids.js'
export { compareKeys } from './key-order.js'
export * from './messages.js'
export * from './requests.js'
export type { AwaitedStatus, ChangeStatus, MembershipStatus, Status } from './status.js'
export { defaultTiming, type Timing } from './timing.js'

// ------------------------------------------------------------------------------------------- the core of a node

/** One stage's node with the world taken away: input in, effects out, no I/O, no clock, nothing asynchronous. */
export interface Core {
  /** A message from a peer. */
  receive(message: Message): void
  /** A request from a client of this node. */
  request(request: Request): void
  /** A step of logical time ({@link Timing.tickMs}); never a clock reading. Missed ticks are not made up for. */
  tick(): void
  /** The log store holds everything up to this entry. */
  durable(upTo: EntryId): void
  /** The state machine has performed everything up to this index. */
  applied(upTo: Index): void
  /**
   * A snapshot is durable under its name: one that was asked for, or one whose last chunk has come. Null if the disk had
   * no room for one that was asked for; it may be asked for again.
   */
  saved(snapshot: Snapshot | null): void
  /** A chunk that was to be kept is on the disk, or the disk had no room for it. */
  held(kept: Kept): void
  /**
   * What the rules keep in a snapshot, a value of JSON each: asked when everything up to its last entry has been
   * performed, and nothing behind that.
   */
  kept(): readonly unknown[]
  /** A snapshot is about to take the place of everything, and the rules kept this in it. Then comes {@link applied}. */
  restored(kept: readonly unknown[]): void
  /** The network has met a node of another cluster, and refused it. */
  foreign(node: Foreigner): void
  /** Null at the stages where names are enough. */
  readonly identity: Identity | null
  /** The log, from this index on, for those who look on from outside; empty at the stages that keep none. */
  entries(from: Index): readonly Entry[]
  /** Everything decided since the last take. */
  take(): Effects
  /** Plain data for `info`, traces and checkers. */
  readonly status: Status
}

/**
 * A committed entry, to be performed in its turn. Only a command goes to the state machine. `request` names the client of
 * this node that waits for the result, if any.
 */
export interface Apply {
  readonly index: Index
  readonly term: Term
  readonly payload: Payload
  readonly request: RequestId | null
}

/** A read that is not in the log. `request` names the client of this node that waits for its result. */
export interface Query {
  /** As it would stand in an entry. */
  readonly command: unknown
  readonly request: RequestId
  /** So many of the same turn's {@link Effects.apply} are performed before it. */
  readonly behind: number
}

export interface Reply {
  readonly request: RequestId
  readonly answer: Answer
}

/**
 * The first line of a snapshot (§7): the last entry whose effect it holds, and what the nodes themselves must remember of
 * the entries up to there.
 */
export interface SnapshotHeader extends EntryId {
  readonly [fact: string]: unknown
}

/** A snapshot that is durable and was verified. Equal states make equal bytes, so the hash is that of the state. */
export interface Snapshot extends SnapshotHeader {
  /** Length of its file. */
  readonly bytes: number
  /** Of everything before its last line, in hex. */
  readonly sha256: string
}

/** A message with a piece of a snapshot's file. The rules name the piece, and the shell puts its bytes in. */
export interface Chunk extends Message {
  /** Which snapshot (figure 13). */
  readonly lastIncludedIndex: Index
  readonly lastIncludedTerm: Term
  /** Of the whole file, as in {@link Snapshot}. */
  readonly bytes: number
  readonly sha256: string
  /** Where in the file the piece begins. */
  readonly offset: number
  readonly data: Uint8Array
}

/** What became of a chunk that was to be kept. */
export interface Kept {
  readonly chunk: Chunk
  /** The first so many bytes of the chunk's file are there now; null if the disk had no room for the chunk. */
  readonly bytes: number | null
}

/** A chunk to be sent, and how many bytes are to be read into it at most. */
export interface Piece {
  readonly chunk: Chunk
  readonly length: number
}

/**
 * One thing to make durable; the records of a batch are kept in order. Term and vote go together, in the same ordered
 * stream as the entries, so that no crash can keep one and lose what came before it.
 */
export type PersistRecord =
  | { readonly record: 'term'; readonly term: Term; readonly votedFor: NodeId | null }
  /** Everything from this index on is taken back. */
  | { readonly record: 'truncate'; readonly from: Index }
  | { readonly record: 'entry'; readonly entry: Entry }
  /** A snapshot holds everything up to this entry. A log that ends before it begins anew behind it. */
  | { readonly record: 'snapshot'; readonly snapshot: EntryId }

/** One durable write: all of it or, after a crash, a beginning of it. `upTo` is reported to {@link Core.durable}. */
export interface Persist {
  readonly records: readonly PersistRecord[]
  /** The log's last entry, once all of this is written. */
  readonly upTo: EntryId
}

export interface Effects {
  /** The next is given when this one is durable: what is decided meanwhile gathers and becomes one write (group commit). */
  persist: Persist | null
  /** May leave at once. */
  send: Message[]
  /** Only after {@link persist} is on disk, if there is any. */
  sendWhenDurable: Message[]
  /** What the state machine is to hold from here on, before it performs anything of {@link apply}. */
  restore: Snapshot | null
  /** To the state machine, in order. */
  apply: Apply[]
  /** To the state machine, each at its place among {@link apply}: they change nothing. */
  query: Query[]
  /** What the state machine holds behind all of {@link apply} is to be saved under this header. */
  snapshot: SnapshotHeader | null
  /** Pieces of snapshots to be sent, as soon as their bytes have been read; and such that came, to be kept. */
  sendChunks: Piece[]
  keepChunks: Chunk[]
  /** Snapshots to be kept besides the log's own two, from before `persist` on; null while those stay as they are. */
  hold: readonly EntryId[] | null
  /** Whom to be connected with from here on; null while that stays as it is. */
  peers: readonly PeerMember[] | null
  /** To clients, at once. */
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

/** What a node is told when it is made. */
export interface NodeOptions {
  readonly id: NodeId
  /** All members, this node included, in configured order. */
  readonly members: readonly Member[]
  readonly random: Random
  readonly timing: Timing
  /** What an earlier life of this node left on its disk. */
  readonly recovered: Recovered
  /** Whether this node, and no other, founds the cluster if its disk is empty (stage 8 on). */
  readonly bootstrap: boolean
  /** Facts of the process (pid, addresses) that `info` repeats; no rule reads them. */
  readonly about: Readonly<Record<string, unknown>>
}

/** What is known of a node before it looks at its disk. */
export type NodeSettings = Omit<NodeOptions, 'recovered'>

// ------------------------------------------------------------------------------------------------ doors to the world

/** What a node finds when it starts again: everything that was durable when it ended. */
export interface Recovered {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** The entry before the first of {@link entries}; index and term 0 where the log begins at its beginning. */
  readonly edge: EntryId
  /** Without a gap. */
  readonly entries: readonly Entry[]
  /** The newest first, two at most: if the one cannot be read, there is the other, and all entries behind that. */
  readonly snapshots: readonly Snapshot[]
  /** Drawn when the disk was first used: a disk that was lost and replaced has another. */
  readonly incarnation: string
}

export const theBeginning: EntryId = { index: 0, term: 0 }

export const nothingRecovered: Recovered = {
  term: 0,
  votedFor: null,
  edge: theBeginning,
  entries: [],
  snapshots: [],
  incarnation: '',
}

/** Where a node's log is kept (stage 4 on), and its snapshots (stage 7 on). A failed write is final: the node stops. */
export interface LogStore {
  /** What is there. Called once, before anything else. @throws if what is there cannot be trusted */
  open(): Promise<Recovered>
  /**
   * Resolves when every record is durable. One write at a time. A record of a snapshot lets go of older ones than the
   * two last, and of the entries that the older of those two holds.
   */
  write(batch: Persist): Promise<void>
  readonly snapshots: SnapshotStore
  close(): Promise<void>
}

/** What became of a piece of a snapshot: how much there is now, from the start; and the whole, once it is durable. */
export interface Received {
  readonly held: number
  readonly snapshot: Snapshot | null
}

/** Keeps snapshots: whole and verified under their names, or not at all. They count once the log has a record of them. */
export interface SnapshotStore {
  /**
   * Writes a snapshot aside, and resolves when it is durable under its name. One at a time.
   *
   * @throws NoRoomError if it was given up because the disk is full: the log goes on without it
   * @param body whole lines of text, many at a time
   */
  save(header: SnapshotHeader, body: AsyncIterable<string>): Promise<Snapshot>
  /** The body of a snapshot as it was saved, in pieces of whole lines. @throws if it is not that any more */
  load(snapshot: EntryId): AsyncIterable<string>
  /** A piece of a snapshot's file, shorter at its end; null if it is not kept any more. */
  read(snapshot: EntryId, offset: number, length: number): Promise<Uint8Array | null>
  /**
   * Keeps a piece of a file that another node sends; whatever does not join what is there changes nothing. A file that is
   * whole and not what it should be is thrown away: nothing of it is held then.
   *
   * @throws NoRoomError if the disk is full: nothing of it is held then, and the log goes on
   */
  receive(chunk: Chunk): Promise<Received>
  /** These are kept as well, until others are named or the process ends: somebody is being sent them. */
  hold(snapshots: readonly EntryId[]): void
}

/** What the cluster agrees on. A batch is performed as one critical section. */
export interface StateMachine {
  /** One answer a command, in order. Never rejects for what a command holds: a refusal is an answer too. */
  apply(batch: readonly Command[]): Promise<Answer[]>
  /**
   * One answer a command, in order, by what it holds behind every batch that it was given before. A batch is one critical
   * section. @throws if a command would change something
   */
  query(batch: readonly Command[]): Promise<Answer[]>
  /**
   * What it holds at this moment, as whole lines of text, many at a time; what is performed while they are read does not
   * show in them. Equal states give equal lines. One at a time.
   */
  snapshot(): Promise<AsyncIterable<string>>
  /** Puts what a snapshot holds in the place of everything. */
  restore(body: AsyncIterable<string>): Promise<void>
  /** What it holds at this moment, for those who look on from outside: replicas are compared by it. */
  contents(): ReadonlyMap<string, string>
}

/** How the commands of an application stand in entries. Equal commands stand there alike. */
export interface CommandCodec {
  /** A JSON value, which stands in the log as it is; or bytes, which stand there as base64. */
  encode(command: Command): unknown
  /** @returns null if this is no command of the application: no entry with it passes a wire */
  decode(encoded: unknown): Command | null
}

/** Carries messages between nodes; may lose, repeat and reorder them. */
export interface Network {
  /** @param meet hears of each node of another cluster that was refused, each time */
  start(receive: (message: Message) => void, meet?: (node: Foreigner) => void): Promise<void>
  /** Who this node is from here on: peers are told when they connect, and those of another cluster are refused. */
  setIdentity(identity: Identity): void
  /** Never blocks and never throws: a message that cannot be sent is lost. */
  send(message: Message): void
  /** Whom to be connected with from here on; at first it is those that it was made with. */
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
  /** At least 0, below 1. */
  next(): number
}

// -------------------------------------------------------------------------------------------------- what is promised

/** The guarantees of the matrix; `src/proof/guarantees.ts` says what each one means. */
export type GuaranteeId = `G${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16}`

/** The names of what must hold of a cluster at every moment; the simulator watches those that a stage's table has. */
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
