import type { Command, GuaranteeId, Index, Member, NodeId, Outcome, Term, Traced } from '../../contracts.js'
import type { Delay } from '../../network/faults.js'
import type { Fault } from '../../server/faults.js'
import type { Stage } from '../../stage.js'

/** The members of a cluster whose members change. */
export interface Members {
  readonly voters: readonly NodeId[]
  /** The outgoing voters of a joint configuration; null outside of one. */
  readonly outgoing: readonly NodeId[] | null
  readonly learners: readonly NodeId[]
  /** True while the leader works on a change of members, or has not yet refused it. */
  readonly isChanging: boolean
}

/**
 * The verdict on a stage in a scenario. It *holds* what the scenario asks for; it *violates* it, and the transcript is
 * the witness; or it is safe but *unavailable*: no wrong answer was given, but something was not done.
 */
export type Verdict = 'holds' | 'violated' | 'unavailable'

export type DriverName = 'virtual' | 'real'

/** The nodes on which a scenario is played: those of a stage, or those of another engine. */
export interface Subject extends Pick<Stage, 'commands' | 'members' | 'name'> {
  /** The number of the stage; null for another engine, which has its name alone. */
  readonly number: number | null
}

/** The name of nodes in a transcript. */
export const called = ({ number, name }: Pick<Subject, 'number' | 'name'>) =>
  number === null ? name : `stage ${number}`

/** A script of the catalogue, parsed. */
export interface Scenario {
  /** The name, such as `N3`; stable once published. */
  readonly id: string
  readonly title: string
  /** The guarantee that the scenario tests. */
  readonly guarantee: GuaranteeId
  /** A description for a person, in a sentence or two. */
  readonly about: string
  /** The drivers that can play it: virtual time, real processes, or both. */
  readonly drivers: readonly DriverName[]
  /** The first stage at which it makes sense: a scenario about replicas, for one, begins at stage 2. */
  readonly fromStage: number
  /** Milliseconds that a client waits for an answer. */
  readonly deadlineMs: number
  /** Nodes that are told another first member than the others, each with that member. */
  readonly believes: Readonly<Record<NodeId, NodeId>>
  /** True if the guarantee is service itself: a line that is not done violates it. */
  readonly servicePromised: boolean
  /** Entries after which a snapshot is due; null where the usual number will do. */
  readonly snapshotEntries: number | null
  /** The file of the script, for errors. */
  readonly file: string
  /** The lines of the script's body. */
  readonly statements: readonly Statement[]
}

/** An expected answer to a client; a line may name several, and any of them will do. */
export type Expectation =
  | { readonly kind: 'done' | 'not done' }
  | { readonly kind: 'unknown' | 'refused'; readonly code: string | null }
  | { readonly kind: 'value'; readonly value: string | null }

/** One line of a script. `text` is the line as it was written. */
export type Statement = { readonly text: string; readonly line: number } & (
  | { readonly kind: 'comment' }
  | { readonly kind: 'settle' | 'all equal' | 'linearizable' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'delay'; readonly delay: Delay }
  | { readonly kind: 'wait'; readonly ms: number }
  /** The same value must be under this key everywhere: at once, or within some time. */
  | { readonly kind: 'all hold'; readonly key: string; readonly value: string | null; readonly withinMs: number }
  /** Loses or doubles messages between nodes by chance, with a probability. */
  | { readonly kind: 'lose' | 'double'; readonly part: number }
  /** Gives names to the nodes that the words mean at this moment. */
  | { readonly kind: 'name'; readonly names: readonly string[]; readonly words: readonly string[] }
  | Leadership
  | Compaction
  | Uncommitted
  | Change
  | HandOver
  | MembersSaid
  | Load
  /** Opens a session for a client, whose writes are calls of it from then on; where there are sessions. */
  | { readonly kind: 'opens'; readonly client: string }
  | Call
  | Raw
  | { readonly kind: 'repeat'; readonly times: number; readonly body: readonly Statement[] }
)

/** An expectation about the leader: at once, or within some time. */
export type Leadership =
  | { readonly kind: 'one leader' | 'new leader' | 'no leader known'; readonly withinMs: number }
  | { readonly kind: 'same leader' | 'no leader' }

/** An expectation about the logs of all running nodes, at once, or about one node's snapshot, within some time. */
export type Compaction =
  | { readonly kind: 'logs under'; readonly entries: number }
  | { readonly kind: 'has a snapshot'; readonly word: string; readonly withinMs: number }

/**
 * An expectation that an entry stands in the logs of a majority and the leader does not know it: before it is
 * committed, and within some time.
 */
export interface Uncommitted {
  readonly kind: 'uncommitted on a majority'
  readonly withinMs: number
}

/** A change of members: nodes are added or removed, or become the voters in place of all others. */
export interface Change {
  readonly kind: 'change'
  readonly change: 'add' | 'remove' | 'reconfigure'
  readonly words: readonly string[]
  /** True if the change is forced even if too few of the voters are alive. */
  readonly isForced: boolean
  readonly background: boolean
  readonly expected: readonly Expectation[]
}

/** The leader is asked to hand over: to the node that the word means, or to the one that is nearest. */
export interface HandOver {
  readonly kind: 'hand over'
  readonly words: readonly string[]
  readonly background: boolean
  readonly expected: readonly Expectation[]
}

/**
 * An expectation about the voters or learners, or about a change that has begun, as the leader has them: at once, or
 * within some time.
 */
export interface MembersSaid {
  readonly kind: 'voters' | 'learners' | 'change under way'
  /** The nodes that are meant; none where only a change is. */
  readonly words: readonly string[]
  readonly withinMs: number
}

export interface Load {
  readonly kind: 'load'
  readonly clients: number
  readonly calls: number
  /** Milliseconds over which each client spreads its calls; 0 for one after another. */
  readonly overMs: number
  readonly background: boolean
  /** True if every call must be done, or be compared and not be equal: none may be refused or unknown. */
  readonly isWhole: boolean
}

export interface Call {
  readonly kind: 'call'
  readonly client: string
  /** The command as a person types it, or `again`: the client's last command once more, as a retry at any node. */
  readonly words: string
  /** Fields that are sent beside the command. */
  readonly fields: Readonly<Record<string, unknown>>
  /** True if the script goes on without waiting for the answer. */
  readonly background: boolean
  readonly expected: readonly Expectation[]
}

/** A step on a bare connection to the leader, which hostile bytes need. */
export type Raw = { readonly connection: string } & (
  | { readonly kind: 'sends'; readonly bytes: Uint8Array; readonly bytewise: boolean; readonly printf: string }
  | { readonly kind: 'ends' }
  /** Expects that the next message has these fields, with these values. */
  | { readonly kind: 'receives'; readonly message: unknown }
  | { readonly kind: 'is closed' }
)

/** A cluster to play a scenario on. */
export interface Driver {
  /** Hears which line is played, and which one went wrong, if somebody looks on. */
  readonly tell?: (event: Traced) => void
  readonly name: DriverName
  /** The driver's name in a transcript. */
  readonly place: string
  /** Nodes that a script may name; where members change, some of them are no members at first. */
  readonly nodes: readonly NodeId[]
  /** Rounds of a `repeat` that are worth playing with this driver. */
  readonly mostRounds: number
  perform(fault: Fault): Promise<void>
  delay(delay: Delay): Promise<void>
  /** Loses or doubles messages between nodes by chance, where the driver can: a part of 0.1 is every tenth. */
  chance?(what: 'lose' | 'double', part: number): Promise<void>
  wait(ms: number): Promise<void>
  /** Runs a task later, while the play goes on. */
  after(ms: number, task: () => void): void
  /** The present time in milliseconds, never backwards, for the history. */
  now(): number
  /**
   * Makes a call as this client; without `at`, to the node that it takes for the leader. `settle` is called once, by
   * the deadline.
   */
  call(client: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void
  /** Breaks this client's connection; a call under way ends as unknown. */
  hangUp(client: string): void
  /** Lets time pass until the condition holds, which only a settled call can bring about. */
  until(condition: () => boolean): Promise<void>
  /** Lets time pass until the cluster is at rest. @returns false if it never comes to rest */
  settle(): Promise<boolean>
  /** Gives the addresses of a node. */
  address(node: NodeId): Member
  /** Reads the members of the cluster; null where they are fixed, or cannot be seen. */
  members(): Promise<Members | null>
  /** Reads the store and the applied index of every running member. */
  look(): Promise<readonly Look[]>
  /** Reads the place of every running node, as it sees itself. */
  places(): Promise<readonly Place[]>
  /** Reads the part of the log and the snapshot that every running member keeps. */
  kept(): Promise<readonly Kept[]>
  /** Opens a bare connection to this node, where there are real sockets. */
  connect?(name: string, node: NodeId): RawConnection
  /** Accidents: failures of nodes that the script did not cause, a line each; a broken invariant, for one. */
  readonly accidents: readonly string[]
}

/** A node's place in the cluster, as the node itself sees it. */
export interface Place {
  readonly node: NodeId
  readonly role: string
  readonly term: Term
  /** The node that it takes for the leader; null if it knows none. */
  readonly leader: NodeId | null
  /** True if the node runs and is no member. */
  readonly outsider?: boolean
}

/**
 * The part of the log that a node keeps: the indexes of its first and last entry; the last is one less if the log is
 * empty.
 */
export interface Kept {
  readonly node: NodeId
  readonly first: Index
  readonly last: Index
  /** The index of the last entry in its newest snapshot; 0 without one. */
  readonly snapshot: Index
  /** The index of the last entry that the node knows to be committed. */
  readonly commit: Index
}

export interface Look {
  readonly node: NodeId
  readonly applied: number
  readonly contents: ReadonlyMap<string, string>
}

export interface RawConnection {
  send(statement: Extract<Raw, { kind: 'sends' }>): Promise<void>
  end(): void
  /** Reads the next message; undefined if none comes. */
  receive(): Promise<unknown>
  /** Waits for the node to close the connection. @returns whether it did */
  closed(): Promise<boolean>
}

/** The result of a play. */
export interface Played {
  readonly scenario: Scenario
  /** The number of the stage; null for another engine. */
  readonly stage: number | null
  readonly driver: DriverName
  readonly verdict: Verdict
  /** The hash over every message of a play in virtual time, and its transcript; null on processes. */
  readonly fingerprint: string | null
  /** The lines that were played, with their results, without colours; the same every time in virtual time. */
  readonly transcript: readonly string[]
  /** Outcomes of the lines of the script, in their order; empty for a line that asks nothing. */
  readonly outcomes: readonly string[]
  /** The part of the transcript that shows the reason for the verdict, ten lines at most; empty where all holds. */
  readonly witness: readonly string[]
}
