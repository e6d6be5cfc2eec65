/**
 * The doors: every interface between the four floors, on one page.
 *
 * `stages/` decides (pure, synchronous), `src/` does (sockets, disk, clock), `client/` asks, `test/` doubts.
 * Whatever crosses from one floor to another has its type here.
 */

/** A node's name: `n1`, `n2`, … */
export type NodeId = string
/** A leader's period of office; 0 before the first election, and always where nobody is elected (§5.1). */
export type Term = number
/** A position in a node's sequence of commands, counted from 1; 0 means "before the first". */
export type Index = number
/** Identifies one client request inside one node's process, for as long as it waits for its answer. */
export type RequestId = number

/** Names one log entry: no two entries of a correct cluster share both parts (§5.3). */
export interface EntryId {
  readonly index: Index
  readonly term: Term
}

/** One member of the cluster and where it listens, as `host:port`. */
export interface Member {
  readonly id: NodeId
  readonly client: string
  readonly peer: string
}

// ---------------------------------------------------------------------------------------------- what clients say

/** What a client asks for: the JSON object it sent, checked against the stage's shapes, without its `id`. */
export interface Command {
  readonly command: string
  readonly [argument: string]: unknown
}

export interface Request {
  readonly id: RequestId
  readonly command: Command
}

/**
 * Every error code a client can meet, and whether it is *definite*: certainly nothing was done, now or later.
 * An indefinite error is an unknown outcome: the command may have happened, or may still happen.
 */
export const errorCodes = {
  bad_request: { definite: true, means: 'the request is not well formed; the message says where' },
  too_large: { definite: true, means: 'a key, a value or a request is over its limit' },
  unknown_command: { definite: true, means: 'this stage has no such command' },
  cas_mismatch: { definite: true, means: 'the key does not hold the expected value; `actual` is what it holds' },
  not_leader: { definite: true, means: 'another node leads; `leader` and `address` name it' },
  no_leader: { definite: true, means: 'no node leads at present' },
  overloaded: { definite: true, means: 'too much is waiting here already; ask again later' },
  shutting_down: { definite: true, means: 'the node is stopping and takes nothing new' },
  unreachable: { definite: true, means: 'no node could be connected to, so nothing was sent' },
  timeout: { definite: false, means: 'no answer within the deadline' },
  leadership_lost: { definite: false, means: 'the leader was deposed before it knew the outcome' },
  connection_lost: { definite: false, means: 'the connection broke between the question and its answer' },
} as const satisfies Record<string, { definite: boolean; means: string }>

export type ErrorCode = keyof typeof errorCodes

/** The `error` of a failed answer. Further fields (`leader`, `address`, `actual`) go with the code. */
export interface Failure {
  readonly code: ErrorCode
  readonly message: string
  readonly definite: boolean
  readonly [detail: string]: unknown
}

/** What a client is told, without the `id` of its request. */
export type Answer =
  | { readonly ok: true; readonly [field: string]: unknown }
  | { readonly ok: false; readonly error: Failure }

/** The one way to make a failed answer: `definite` follows from the code. */
export function failure(code: ErrorCode, message: string, details: Record<string, unknown> = {}): Refusal {
  return { ok: false, error: { code, message, definite: errorCodes[code].definite, ...details } }
}

/**
 * How a call ended. *Refused* is certainly not done. *Unknown* may have been done, or may still be: a deadline that
 * passed or a connection that broke says nothing about the other end.
 */
export type Outcome =
  | { readonly outcome: 'done'; readonly answer: Answer & { ok: true } }
  | { readonly outcome: 'refused' | 'unknown'; readonly error: Failure }

/** An answer as an outcome: what it means for whoever asked. */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.ok) return { outcome: 'done', answer }
  return { outcome: answer.error.definite ? 'refused' : 'unknown', error: answer.error }
}

/** Limits of what a client may send, in bytes of UTF-8. A frame's length is under 2^24, so its first byte is 0. */
export const limits = {
  keyBytes: 4 * 1024,
  valueBytes: 1024 * 1024,
  /** One request or reply on the wire, framing excluded; leaves room for a value whose every byte is escaped. */
  messageBytes: 8 * 1024 * 1024,
  /** Keys in one answer to `scan`. */
  scanKeys: 1000,
} as const

export interface Argument {
  readonly name: string
  readonly optional: boolean
  readonly kind: 'text' | 'text or null' | 'number'
}

/** What a client may ask for: one entry a command in a stage's table of shapes. */
export interface CommandShape {
  /** In the order in which a person types them. */
  readonly takes: readonly Argument[]
  readonly help: string
  /** Whether the command leaves the store as it was, so that asking twice does no harm. */
  readonly readOnly: boolean
  /** The command, checked, or the refusal that says what is wrong with it. */
  check(candidate: object): Checked
}

export type Refusal = Answer & { readonly ok: false }
export type Checked = { readonly ok: true; readonly command: Command } | Refusal

/**
 * What one command does to the state machine's state. An operation that may take long is a generator: it yields
 * between slices, so that the event loop can turn; the store stays locked meanwhile.
 */
export type Operation<State> = (state: State, command: never) => Answer | Generator<void, Answer>

// ----------------------------------------------------------------------------------------------- what peers say

/** A message between nodes: flat, `type` first. Stages add messages; they never add fields to an older one. */
export interface Message {
  readonly type: string
  readonly from: NodeId
  readonly to: NodeId
  /** Log entries travel as the text that each of them is, on every wire. */
  readonly entries?: readonly Entry[]
}

export function isObject(candidate: unknown): candidate is Record<string, unknown> {
  return typeof candidate === 'object' && candidate !== null && !Array.isArray(candidate)
}

/** Whether something that came over the wire can count or number things from 1. */
export function isPositive(candidate: unknown): candidate is number {
  return Number.isSafeInteger(candidate) && (candidate as number) >= 1
}

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
  /** The log, from this index on, for those who look on from outside; empty at the stages that keep none. */
  entries(from: Index): readonly Entry[]
  /** Everything decided since the last take. */
  take(): Effects
  /** Plain data for `info`, traces and checkers. */
  readonly status: Status
}

export interface Status {
  readonly id: NodeId
  readonly stage: number
  readonly role: string
  readonly leader: NodeId | null
  readonly applied: Index
  readonly peers: readonly NodeId[]
  readonly term?: Term
  readonly commit?: Index
  readonly log?: { readonly first: Index; readonly last: Index }
  readonly [fact: string]: unknown
}

/** A command handed to the state machine. `request` names the client of this node that waits for its result, if any. */
export interface Apply {
  readonly index: Index
  readonly term: Term
  readonly command: Command
  readonly request: RequestId | null
}

export interface Reply {
  readonly request: RequestId
  readonly answer: Answer
}

/** Something that happened, for traces, the REPL and metrics. `event` first; the shell adds `node` and `at`. */
export interface Event {
  readonly event: string
  readonly [detail: string]: unknown
}

/**
 * One position of the replicated log (§5.3): a command, and the term of the leader that put it there. `text` is the
 * entry as JSON, written once by that leader: the same text goes to every peer and onto every disk. Once the command has
 * been performed, a log may keep the text alone.
 */
export interface Entry extends EntryId {
  readonly command: Command | null
  readonly text: string
}

export function makeEntry(index: Index, term: Term, command: Command): Entry {
  return { index, term, command, text: JSON.stringify({ index, term, command }) }
}

/** The entry of which this is the text. @throws on text that is no entry's */
export function parseEntry(text: string): Entry {
  const parsed = JSON.parse(text) as unknown
  if (!isObject(parsed) || !isPositive(parsed.index) || !isPositive(parsed.term)) throw new Error('not an entry')
  const { index, term, command } = parsed
  if (!isObject(command) || typeof command.command !== 'string') throw new Error(`entry ${index} holds no command`)
  return { index, term, command: command as Command, text }
}

/** What an entry asks for, also when the log has kept its text alone. */
export function commandOf(entry: Entry): Command {
  return entry.command ?? (JSON.parse(entry.text) as { command: Command }).command
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
  /** To the state machine, in order. */
  apply: Apply[]
  /** To clients, at once. */
  replies: Reply[]
  events: Event[]
}

export function noEffects(): Effects {
  return { persist: null, send: [], sendWhenDurable: [], apply: [], replies: [], events: [] }
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
  /** Facts of the process (pid, addresses) that `info` repeats; no rule reads them. */
  readonly about: Readonly<Record<string, unknown>>
}

/** What is known of a node before it looks at its disk. */
export type NodeSettings = Omit<NodeOptions, 'recovered'>

export interface Timing {
  /** One step of logical time, in milliseconds. */
  readonly tickMs: number
  /** How long a node keeps a client waiting before it answers `timeout`, in ticks. */
  readonly requestTimeoutTicks: number
  /** An idle leader speaks this often, in ticks (§5.2). */
  readonly heartbeatTicks: number
  /**
   * How long a follower bears the leader's silence, in ticks: at least this long, less than twice as long where chance
   * decides (§5.2). Several heartbeats must fit into it.
   */
  readonly electionTicks: number
  /** Bytes of entries in one message to a follower, at least one entry; not time, but as much a matter of pace. */
  readonly appendBytes: number
}

/** Heartbeats every 100 ms, an election after 1 to 2 s of silence: a Node process may well be busy for 100 ms. */
export const defaultTiming: Timing = {
  tickMs: 10,
  requestTimeoutTicks: 200,
  heartbeatTicks: 10,
  electionTicks: 100,
  appendBytes: 1024 * 1024,
}

// ------------------------------------------------------------------------------------------------ doors to the world

/** What a node finds when it starts again: everything that was durable when it ended. */
export interface Recovered {
  readonly term: Term
  readonly votedFor: NodeId | null
  /** From index 1 on, without a gap. */
  readonly entries: readonly Entry[]
}

export const nothingRecovered: Recovered = { term: 0, votedFor: null, entries: [] }

/** Where a node's log is kept (stage 4 on). A failed write is final: the node stops. */
export interface LogStore {
  /** What is there. Called once, before anything else. @throws if what is there cannot be trusted */
  open(): Promise<Recovered>
  /** Resolves when every record is durable. One write at a time. */
  write(batch: Persist): Promise<void>
  /** Forgets the entries up to this index: a snapshot holds what they did. */
  compact(upTo: Index): Promise<void>
  close(): Promise<void>
}

/** What the cluster agrees on. A batch is performed as one critical section. */
export interface StateMachine {
  /** One answer a command, in order. Never rejects for what a command holds: a refusal is an answer too. */
  apply(batch: readonly Command[]): Promise<Answer[]>
}

/** Carries messages between nodes; may lose, repeat and reorder them. */
export interface Network {
  start(receive: (message: Message) => void): Promise<void>
  /** Never blocks and never throws: a message that cannot be sent is lost. */
  send(message: Message): void
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

/** The guarantees of the matrix; `src/guarantees.ts` says what each one means. */
export type GuaranteeId = `G${1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9 | 10 | 11 | 12 | 13 | 14 | 15 | 16}`
