import type { Command, GuaranteeId, Index, Member, NodeId, Outcome, Term } from '../../contracts.js'
import type { Delay } from '../../network/faults.js'
import type { Fault } from '../../server/faults.js'

/** Who belongs to a cluster whose members change. */
export interface Members {
  readonly voters: readonly NodeId[]
  /** While these voters take over from others: those others. */
  readonly outgoing: readonly NodeId[] | null
  readonly learners: readonly NodeId[]
}

/**
 * How a stage does in a scenario: it *holds* what the scenario asks for; it *violates* it, and the transcript is the
 * witness; or it is safe but *unavailable*: nothing wrong was said, but something was not done.
 */
export type Verdict = 'holds' | 'violated' | 'unavailable'

type DriverName = 'virtual' | 'real'

/** A script of the catalogue, parsed. */
export interface Scenario {
  /** `N3`; stable once published. */
  readonly id: string
  readonly title: string
  /** What the scenario puts to the test. */
  readonly guarantee: GuaranteeId
  /** A sentence or two for a person. */
  readonly about: string
  /** Where it can be played: in virtual time, on real processes, or both. */
  readonly drivers: readonly DriverName[]
  /** The first stage to which it says anything: replicas, for one, are there from stage 2 on. */
  readonly fromStage: number
  /** How long a client waits for an answer. */
  readonly deadlineMs: number
  /** Nodes that take another for the first member, each with that other. */
  readonly believes: Readonly<Record<NodeId, NodeId>>
  /** The guarantee is service itself: what is not done violates it. */
  readonly servicePromised: boolean
  /** After how many entries a snapshot is due; null where it is all the same. */
  readonly snapshotEntries: number | null
  /** Where it was read from, for errors. */
  readonly file: string
  /** The body of the script. */
  readonly statements: readonly Statement[]
}

/** What a client is expected to be told; any of the alternatives will do. */
export type Expectation =
  | { readonly kind: 'done' | 'not done' }
  | { readonly kind: 'unknown' | 'refused'; readonly code: string | null }
  | { readonly kind: 'value'; readonly value: string | null }

/** One line of a script. `text` is the line as it was written. */
export type Statement = { readonly text: string; readonly line: number } & (
  | { readonly kind: 'comment' | 'settle' | 'all equal' | 'linearizable' }
  | { readonly kind: 'fault'; readonly fault: Fault }
  | { readonly kind: 'delay'; readonly delay: Delay }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'all hold'; readonly key: string; readonly value: string | null }
  /** What chance does to a message between nodes, with a probability. */
  | { readonly kind: 'lose' | 'double'; readonly part: number }
  /** Names for the nodes that the words mean at this moment. */
  | { readonly kind: 'name'; readonly names: readonly string[]; readonly words: readonly string[] }
  | Leadership
  | Compaction
  | Change
  | MembersSaid
  | Load
  | Call
  | Raw
  | { readonly kind: 'repeat'; readonly times: number; readonly body: readonly Statement[] }
)

/** What is to be so of the leader: at once, or before long. */
export type Leadership =
  | { readonly kind: 'one leader' | 'new leader'; readonly withinMs: number }
  | { readonly kind: 'same leader' | 'no leader' }

/** What is to be so of the logs of all nodes that run, at once, or of one node's snapshots, before long. */
export type Compaction =
  | { readonly kind: 'logs under'; readonly entries: number }
  | { readonly kind: 'has a snapshot'; readonly word: string; readonly withinMs: number }

/** Nodes are taken in, or out, or these become the voters in place of all others. */
export interface Change {
  readonly kind: 'change'
  readonly change: 'add' | 'remove' | 'reconfigure'
  readonly words: readonly string[]
  /** Also if too few of the voters would be alive. */
  readonly isForced: boolean
  readonly background: boolean
  readonly expected: readonly Expectation[]
}

/** Who is to vote, or to learn, as the leader has it: at once, or before long. */
export interface MembersSaid {
  readonly kind: 'voters' | 'learners'
  readonly words: readonly string[]
  readonly withinMs: number
}

export interface Load {
  readonly kind: 'load'
  readonly clients: number
  readonly calls: number
  /** Each client spreads its calls over about this time; 0 for one after another. */
  readonly overMs: number
  readonly background: boolean
}

export interface Call {
  readonly kind: 'call'
  readonly client: string
  /** The command as a person types it, or `again`: the client's last one once more, as a retry. */
  readonly words: string
  /** Goes on without waiting for the answer. */
  readonly background: boolean
  readonly expected: readonly Expectation[]
}

/** What is done with a bare connection to the leader: hostile bytes need one. */
export type Raw = { readonly connection: string } & (
  | { readonly kind: 'sends'; readonly bytes: Uint8Array; readonly bytewise: boolean; readonly printf: string }
  | { readonly kind: 'ends' }
  /** The next message must have these fields, with these values. */
  | { readonly kind: 'receives'; readonly message: unknown }
  | { readonly kind: 'is closed' }
)

/** A cluster to play a scenario on. */
export interface Driver {
  readonly name: DriverName
  /** How a transcript calls it. */
  readonly place: string
  /** Those that a script may name; where members change, some that are none at first. */
  readonly nodes: readonly NodeId[]
  /** How many rounds of a `repeat` are worth playing here. */
  readonly mostRounds: number
  perform(fault: Fault): Promise<void>
  delay(delay: Delay): Promise<void>
  /** Loses, or doubles, messages between nodes by chance, where the driver can: a part of 0.1 is every tenth. */
  chance?(what: 'lose' | 'double', part: number): Promise<void>
  wait(ms: number): Promise<void>
  /** Does something later, while other things go on. */
  after(ms: number, task: () => void): void
  /** Milliseconds, never backwards: the moments of the history. */
  now(): number
  /** Asks as this client; without `at`, the node that it takes for leader. `settle` is called once, by the deadline. */
  call(client: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void
  /** Breaks this client's connection in the middle of what it asks, if anything: that ends as unknown. */
  hangUp(client: string): void
  /** Lets time pass until the condition holds, which only a settled call can bring about. */
  until(condition: () => boolean): Promise<void>
  /** Lets time pass until nothing is under way any more. @returns false if it never comes to that */
  settle(): Promise<boolean>
  /** Where a node listens. */
  address(node: NodeId): Member
  /** Who belongs to the cluster; null where that is fixed, or cannot be seen. */
  members(): Promise<Members | null>
  /** What every running member's store holds, and how far the node got. */
  look(): Promise<readonly Look[]>
  /** What every running node takes itself for. */
  places(): Promise<readonly Place[]>
  /** What every running member keeps of what was done. */
  kept(): Promise<readonly Kept[]>
  /** A bare connection to this node, where there are real sockets. */
  connect?(name: string, node: NodeId): RawConnection
  /** What happened to nodes that nobody did to them, a line each: a broken invariant, for one. */
  readonly accidents: readonly string[]
}

/** A node's place in the cluster, as the node itself sees it. */
export interface Place {
  readonly node: NodeId
  readonly role: string
  readonly term: Term
  /** Whom it takes for the leader. */
  readonly leader: NodeId | null
  /** It runs, and is no member. */
  readonly outsider?: boolean
}

/** A node's log: the index of its first entry, and of its last, which is one less where it is empty. */
export interface Kept {
  readonly node: NodeId
  readonly first: Index
  readonly last: Index
  /** The last entry of its newest snapshot; 0 without one. */
  readonly snapshot: Index
}

export interface Look {
  readonly node: NodeId
  readonly applied: number
  readonly contents: ReadonlyMap<string, string>
}

export interface RawConnection {
  send(statement: Extract<Raw, { kind: 'sends' }>): Promise<void>
  end(): void
  /** The next message; undefined if none comes. */
  receive(): Promise<unknown>
  /** Whether the node closes the connection, sooner or later. */
  closed(): Promise<boolean>
}

/** What came of playing a scenario. */
export interface Played {
  readonly scenario: Scenario
  readonly stage: number
  readonly driver: DriverName
  readonly verdict: Verdict
  /** What was done and said, a line each, without colours; the same every time in virtual time. */
  readonly transcript: readonly string[]
  /** The part of the transcript that shows why the verdict is what it is, ten lines at most; empty where all holds. */
  readonly witness: readonly string[]
}
