/** Requests of clients to nodes, and the answers. Part of the doors: the other floors see it through `contracts.ts`. */

/** Identifies one client request inside one node's process, for as long as it waits for its answer. */
export type RequestId = number

/** A command of a client: the JSON object that it sent, checked against the stage's shapes, without its `id`. */
export interface Command {
  readonly command: string
  readonly [argument: string]: unknown
}

/** @typeParam C what a rule knows of the command: nothing, where the application's is written or read */
export interface Request<C = Command> {
  readonly id: RequestId
  readonly command: C
  /** Fields that stood beside the command, as {@link CommandShape.envelope} has them; left out if there were none. */
  readonly envelope?: Readonly<Record<string, unknown>>
}

/**
 * Every error code a client can meet, and whether it is *definite*: certainly nothing was done, now or later.
 * An indefinite error is an unknown outcome: the command may have happened, or may still happen.
 */
export const errorCodes = {
  bad_request: { definite: true, means: 'the request is not well formed; the message says where' },
  too_large: { definite: true, means: 'a key, a value or a request is over its limit' },
  unknown_command: { definite: true, means: 'this stage has no such command' },
  unauthenticated: {
    definite: true,
    means: 'this node demands a token, and the connection has shown none that counts',
  },
  permission_denied: {
    definite: true,
    means: 'the token is good, and its role or its keys do not allow this; `takes` is the role that does',
  },
  cas_mismatch: { definite: true, means: 'the key does not hold the expected value; `actual` is what it holds' },
  guard_failed: {
    definite: true,
    means:
      'a command stands behind the place that `prevLogIndex` names, or there is no such place; `last` is the log’s end',
  },
  compacted: {
    definite: true,
    means: 'this node does not keep the moment of the page; begin the scan again',
  },
  not_leader: { definite: true, means: 'another node leads; `leader` and `address` name it' },
  no_leader: { definite: true, means: 'no node leads at present' },
  change_in_progress: { definite: true, means: 'the members are being changed already; one change at a time' },
  quorum_at_risk: { definite: true, means: 'too few of the members that are asked for are alive' },
  not_caught_up: {
    definite: true,
    means: 'a new node did not answer or did not catch up; the voters stay as they were',
  },
  feature_missing: {
    definite: true,
    means: 'a new node is of an earlier release, and does not know a feature that the cluster uses',
  },
  change_cancelled: {
    definite: true,
    means: 'an operator called the change off, or stopped its leader; the voters stay as they were',
  },
  transfer_failed: { definite: true, means: 'the named node did not take over as leader' },
  cluster_exists: {
    definite: true,
    means: 'the node knows of a cluster already, so none is founded',
  },
  bad_sequence: {
    definite: true,
    means: 'the sequence number belongs to another command of this session, or is too far ahead; nothing was done',
  },
  session_expired: {
    definite: false,
    means:
      'there is no such session any more; a call asked for the first time was not done, a repeated one may have been',
  },
  answer_forgotten: {
    definite: false,
    means: 'the client had said that it waits for this answer no more; the call is not done again',
  },
  overloaded: { definite: true, means: 'too much is waiting here already; ask again later' },
  store_full: {
    definite: true,
    means: 'the store holds as many bytes as it may (`maxStoreBytes`); deletes and reads go on',
  },
  disk_full: {
    definite: true,
    means: "the leader's disk is nearly full (`diskReserve`), and it takes no writes until there is room again",
  },
  shutting_down: { definite: true, means: 'the node is stopping and takes nothing new' },
  unreachable: { definite: true, means: 'no node could be connected to, so nothing was sent' },
  timeout: { definite: false, means: 'no answer within the deadline' },
  leadership_lost: { definite: false, means: 'the leader was deposed before it knew the outcome' },
  aborted: { definite: true, means: 'the signal was aborted before anything was asked' },
  left: { definite: false, means: 'the caller waits no more, or the node ended before it knew the outcome' },
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

/** An answer to a client, without the `id` of its request. */
export type Answer =
  | { readonly ok: true; readonly [field: string]: unknown }
  | { readonly ok: false; readonly error: Failure }

/**
 * Makes a failed answer with a code of the application's own, which no rule knows. Nothing was done: an application that
 * answers knows the outcome.
 */
export function refusal(code: string, message: string, details: Record<string, unknown> = {}): Refusal {
  return { ok: false, error: { code: code as ErrorCode, message: bounded(message), definite: true, ...details } }
}

/** Characters of the longest message of a failed answer: it may quote a client's request, which may have megabytes. */
const messageCharacters = 1_024

/** Makes a failed answer, the one way to do so: `definite` follows from the code. */
export function failure(code: ErrorCode, message: string, details: Record<string, unknown> = {}): Refusal {
  return { ok: false, error: { code, message: bounded(message), definite: errorCodes[code].definite, ...details } }
}

function bounded(message: string): string {
  const isLong = message.length > messageCharacters
  return isLong ? `${message.slice(0, messageCharacters - 1)}…`.toWellFormed() : message
}

/**
 * The outcome of a call. *Refused* is certainly not done. *Unknown* may have been done, or may still be: a deadline
 * that passed or a connection that broke says nothing about the other end.
 */
export type Outcome =
  | { readonly outcome: 'done'; readonly answer: Answer & { ok: true } }
  | { readonly outcome: 'refused' | 'unknown'; readonly error: Failure }

/** Turns an answer into an outcome for the client that asked. */
export function outcomeOf(answer: Answer): Outcome {
  if (answer.ok) return { outcome: 'done', answer }
  return { outcome: answer.error.definite ? 'refused' : 'unknown', error: answer.error }
}

export type Refusal = Answer & { readonly ok: false }

/** Limits of what a client may send, in bytes of UTF-8. A frame's length is under 2^24, so its first byte is 0. */
export const limits = {
  keyBytes: 4 * 1024,
  valueBytes: 1024 * 1024,
  /** One request or reply on the wire, framing excluded; leaves room for a value whose every byte is escaped. */
  messageBytes: 8 * 1024 * 1024,
  /** Voters of a cluster: each write waits for more than half of them. */
  voters: 64,
  /** Keys in one answer to `scan`. */
  scanKeys: 1000,
  /** Keys in one answer to a `scan` that names no limit. */
  usualScanKeys: 100,
} as const

export interface Argument {
  readonly name: string
  readonly optional: boolean
  /**
   * The kind of the argument. A flag is there or not: its name as a word. `names` takes all words that are left, as a
   * list of texts. `json` takes any value: a word that is no JSON is a text.
   */
  readonly kind: 'text' | 'text or null' | 'number' | 'flag' | 'names' | 'json'
}

/** The roles of tokens, the least first. Each role may do what those before it may, and more. */
export const roles = ['read', 'write', 'admin'] as const
export type Role = (typeof roles)[number]

/** The shape of a command: one for each command in a stage's table. */
export interface CommandShape {
  /** Arguments, in the order in which a person types them. */
  readonly takes: readonly Argument[]
  /**
   * Fields that may stand beside the command's own, and that are no part of it: the stage's rules read them. Left out if
   * there are none.
   */
  readonly envelope?: readonly Argument[]
  readonly help: string
  /** True if the command leaves the store as it was, so that asking twice does no harm. */
  readonly readOnly: boolean
  /**
   * The least role that may ask a command of the node itself, where a node demands tokens; `none`: no token is needed. A
   * command that does not say so is for `admin`. Left out of the application's commands: they read or write.
   */
  readonly role?: Role | 'none'
  /**
   * Names the keys that a command of the application touches: each of them begins with one of these texts. Left out where
   * nothing is known of keys; a token for some keys is refused there.
   */
  readonly keys?: (command: Command) => readonly string[]
  /**
   * Checks a request. @returns the command, or the refusal that says what is wrong with it
   *
   * @param beside fields that may stand beside the command's own, for the refusal to name; none if left out
   */
  check(candidate: object, beside?: readonly string[]): Checked
}

export type Checked =
  | { readonly ok: true; readonly command: Command; readonly envelope?: Readonly<Record<string, unknown>> }
  | Refusal

/** The contents of a store at one moment: now, or when a scan began whose pages are still being read. */
export interface Contents {
  get(key: string): string | undefined
  /** The keys in the order of their UTF-8 bytes: all of them, or the keys from this one on. */
  keys(from?: string): Iterable<string>
}

/** The store on which commands act. No plain object is one, so that `__proto__` is a key like any other. */
export interface Store extends Contents {
  set(key: string, value: string): unknown
  /** @returns whether the key was there */
  delete(key: string): boolean
  /**
   * Keeps the contents of this moment readable while later commands change the store. It changes nothing, and it is no
   * part of the replicated state: each node keeps moments of its own, as long as its memory allows.
   *
   * @returns the moment's name, of letters, digits and dots, 32 at most
   */
  pin(): string
  /** The contents at a moment that was pinned; null if that was let go, or is another node's. Keys come from `keys`. */
  at(moment: string): Contents | null
}

/**
 * The effect of one command on the state machine's state. An operation that may take long is a generator: it yields
 * between slices, so that the event loop can turn; the store stays locked meanwhile.
 */
export type Operation<State> = (state: State, command: never) => Answer | Generator<void, Answer>

/**
 * Asks a node; the answer comes later, once, or never if the node dies. `client` names the connection on which a request
 * came, if it came on one.
 */
export type Ask = (
  candidate: Readonly<Record<string, unknown>>,
  answer: (answer: Answer) => void,
  client?: string,
) => void
