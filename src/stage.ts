import type { Application } from './application.js'
import {
  type Admission,
  type Apply,
  type ClientRules,
  type Clock,
  type CommandShape,
  type Core,
  type Effects,
  type Entry,
  type EntryId,
  type Foreigner,
  type Greeting,
  type GuaranteeId,
  type Identity,
  type Index,
  type InvariantName,
  type Kept,
  type Member,
  type Message,
  type MessageKind,
  type NodeId,
  type NodeOptions,
  noEffects,
  type Performance,
  type Random,
  type Recovered,
  type Request,
  type Snapshot,
  type Status,
  type Timing,
} from './contracts.js'

import { type Envelopes, inEnvelopes } from './envelopes.js'
import { type BoundMessageFacts, boundMessages, type MessageFacts, type PayloadChecks } from './message-facts.js'

export type { EnvelopeShape } from './envelopes.js'
export type { Known, MessageFacts } from './message-facts.js'
export { inOrder, insertedBefore, partsOf, replaced, replacedIn } from './rule-lists.js'

/** The state of a node that every stage has. Rules read it, change it, and put their decisions into `effects`. */
export interface NodeState {
  readonly id: NodeId
  readonly members: readonly Member[]
  /** The other members. */
  readonly peers: readonly NodeId[]
  readonly random: Random
  readonly timing: Timing
  readonly recovered: Recovered
  readonly bootstrap: boolean
  readonly priority?: number
  readonly features?: readonly string[]
  readonly admission?: Admission | undefined
  readonly machineClock: Pick<Clock, 'now'>
  readonly about: Readonly<Record<string, unknown>>
  /** The number of the stage that made this node. */
  readonly stage: number
  role: string
  leader: NodeId | null
  /** The last index whose result the state machine has given. */
  applied: Index
  effects: Effects
  /** Verb: makes the status that `info` tells of this node. */
  status(): Status
  /** Verb of the stages that know clusters apart: the identity that every message of this node bears. */
  identify?(): Identity
}

/**
 * The replaceable steps of a node: every method of its state type. Rules call `node.step()`; the table names the
 * function that does it, and a later stage's table may name another.
 */
type Verbs<N> = {
  readonly [K in keyof N as N[K] extends (...args: never[]) => unknown ? K : never]: N[K] extends (
    ...args: infer A
  ) => infer R
    ? (node: N, ...args: A) => R
    : never
}

type Data<N> = Omit<N, keyof Verbs<N> | keyof NodeState>

/** Networks on which messages between nodes may travel. */
export const networkNames = ['tcp', 'grpc', 'udp'] as const
export type NetworkName = (typeof networkNames)[number]

/** Stores that may keep a log: an append-only file, an embedded database, or memory, which ends with the process. */
export const logKinds = ['file', 'level', 'memory'] as const
export type LogKind = (typeof logKinds)[number]

/** Facts of a stage: plain data, and the functions that know no node. */
export interface StageFacts {
  readonly number: number
  /** The folder under `stages/`. */
  readonly name: string
  readonly title: string
  /** The stage's addition, in one line. */
  readonly adds: string
  /** The fault that is still there after the stage, in one line. */
  readonly stillBroken: string
  /** The application that the stage replicates. */
  readonly application: Application
  /** Commands for clients, of the application and of the node itself. A table names only those of the node itself. */
  readonly commands: Readonly<Record<string, CommandShape>>
  /** Kinds of payload in the log besides commands, each with the check of a payload from the wire. */
  readonly payloads: PayloadChecks
  /** Fields that may stand beside the application's commands in a request: beside reads, and beside writes. */
  readonly envelopes: Envelopes
  /** True if a leader asks for room before it proposes ({@link Admission}); left out at the stages that never ask. */
  readonly asksForRoom?: boolean
  /** The rules of the client; null at stage 0, which has none. */
  readonly client: ClientRules | null
  /** The messages between nodes, by their types. */
  readonly messages: Readonly<Record<string, MessageFacts>>
  /** True if each message bears its sender's {@link Identity} beside its name. */
  readonly isIdentified: boolean
  /** The network for the stage's messages, unless a person chooses another. Any stage runs on any network. */
  readonly network: NetworkName
  /**
   * The `.proto` files that give the stage's messages a binary form: one for each stage that adds messages. A path
   * begins with the folder of its stage.
   */
  readonly proto: readonly string[]
  /**
   * The `.proto` files with the gRPC requests of clients that this stage and earlier ones add; those that any node has
   * are not among them.
   */
  readonly services: readonly string[]
  /** The data that survives a node's process. With a log, each node has a folder of its own. */
  readonly keeps: 'nothing' | 'log' | 'log and snapshots'
  /** Features that a node of this stage may have switched on by an entry of the log. */
  readonly features: readonly string[]
  /** `changing` if nodes join and leave at run time; then nodes that are not members are heard, and answered. */
  readonly members: 'fixed' | 'changing'
  /** Invariants that must hold in the stage's nodes after every step. */
  readonly invariants: readonly InvariantName[]
  readonly gives: readonly GuaranteeId[]
  /**
   * Guarantees that the stage keeps only by standing still, safe but unavailable; each with the scenario that shows it.
   */
  readonly stalls: Readonly<Partial<Record<GuaranteeId, string>>>
  /** Guarantees that the stage breaks, each with the scenario that shows it, or `storm` for the simulator's. */
  readonly breaks: Readonly<Partial<Record<GuaranteeId, string>>>
}

/** A stage's node as a table: which function does what, each imported from the stage that introduced it. */
export interface StageTable<N extends NodeState, M extends Message> extends Omit<StageFacts, 'isIdentified'> {
  readonly messages: { readonly [T in M['type']]: MessageFacts }
  /** The rules that read and write the application's commands, and one rule for each command of the node itself. */
  readonly requests: Requests<N>
  /** The stage's own part of a fresh node's state. */
  readonly state: (options: NodeOptions) => Data<N> & Pick<NodeState, 'role' | 'leader'>
  /** Rules that run when a node starts, before any input. */
  readonly start: readonly ((node: N) => void)[]
  /** The log from an index on, at the stages that have one. */
  readonly entries?: (node: N, from: Index) => readonly Entry[]
  readonly verbs: Verbs<N>
  /** Checks of each message for claims that cannot be true, by what this node knows; a rule at the gate asks them. */
  readonly doubts: { readonly [T in M['type']]?: readonly Doubt<N, Extract<M, { type: T }>>[] }
  /**
   * Rules that see every message, one after the other, before the message's own rule. The first rule that returns false
   * drops the message.
   */
  readonly gate: readonly GateRule<N>[]
  readonly on: { readonly [T in M['type']]: (node: N, message: Extract<M, { type: T }>) => void }
  readonly tick: readonly ((node: N) => void)[]
  /** The disk holds the log up to an entry (see {@link Core}, also for the lists that follow). */
  readonly durable: readonly ((node: N, upTo: EntryId) => void)[]
  /**
   * Rules that look at a committed entry before the state machine does, in the order of the log. The first rule that
   * gives a performance decides; if none does, a command is performed.
   */
  readonly perform: readonly ((node: N, entry: Apply) => Performance | null)[]
  /** The state machine has performed everything up to an index. */
  readonly applied: readonly ((node: N, upTo: Index) => void)[]
  /** A snapshot is durable; null if the disk had no room for it. */
  readonly saved: readonly ((node: N, snapshot: Snapshot | null) => void)[]
  /** A chunk of a snapshot is on the disk, or the disk had no room for it. */
  readonly held: readonly ((node: N, kept: Kept) => void)[]
  /** Values that the rules keep in a snapshot beside the application's state. */
  readonly kept: readonly ((node: N) => readonly unknown[])[]
  /** A snapshot takes the place of the whole state, with the values that the rules kept in it. */
  readonly restored: readonly ((node: N, kept: readonly unknown[]) => void)[]
  /** The network has met a node of another cluster. */
  readonly met: readonly ((node: N, foreigner: Foreigner) => void)[]
  /** A node has said which features it knows. */
  readonly greeted: readonly ((node: N, peer: Greeting) => void)[]
  /** Rules that end a turn: they see all input of the turn together, which is where batches come from. */
  readonly turn: readonly ((node: N) => void)[]
}

interface Requests<N> {
  readonly read: (node: N, request: Request<unknown>) => void
  readonly write: (node: N, request: Request<unknown>) => void
  readonly [command: string]: (node: N, request: Request) => void
}

/** Facts by which a rule at the gate judges a message, instead of its type. */
export interface FactsAtGate {
  readonly kind: MessageKind
  readonly doubts: readonly Doubt<never, never>[]
}

/** A rule at the gate: it sees the fields that all messages have. @returns whether the next rule is to be asked */
export type GateRule<N> = (node: N, message: Message, facts: FactsAtGate) => boolean

/** A check that gives the reason why a message cannot be true, by what this node knows; null if it can be true. */
export type Doubt<N, M extends Message> = (node: N, message: M) => string | null

/** Sends a message as soon as the rules of this turn have run. Name its type: `send<Replicate>(node, {…})`. */
export function send<M extends Message>(node: NodeState, message: M): void {
  node.effects.send.push(message)
}

/** Sends a message as soon as everything decided so far is on disk: a promise must survive a crash of its giver. */
export function sendWhenDurable<M extends Message>(node: NodeState, message: M): void {
  node.effects.sendWhenDurable.push(message)
}

/** A stage as the other floors see it. */
export interface Stage extends Omit<StageFacts, 'messages'> {
  readonly messages: Readonly<Record<string, BoundMessageFacts>>
  /** A fresh node of this stage. */
  create(options: NodeOptions): Core
  /** Makes the same stage with another application. */
  withApplication(application: Application): Stage
}

export interface StageOf<N extends NodeState, M extends Message> extends Stage {
  readonly table: StageTable<N, M>
}

/** Makes a stage of its table: binds the verbs and dispatches what comes in to the rules named there. */
export function stage<N extends NodeState, M extends Message>(table: StageTable<N, M>): StageOf<N, M> {
  const isIdentified = 'identify' in table.verbs
  const commands = { ...inEnvelopes(table.application.commands, table.envelopes), ...table.commands }
  const create = (options: NodeOptions) => new TableCore(table, options)
  const withOther = (application: Application) => stage<N, M>({ ...table, application })
  return {
    ...table,
    ...{ commands, messages: boundMessages(table), isIdentified, table, create, withApplication: withOther },
  }
}

/** Makes the same stage with another application, for callers that know the stage's types. */
export function withApplication<N extends NodeState, M extends Message>(
  { table }: StageOf<N, M>,
  application: Application,
): StageOf<N, M> {
  return stage<N, M>({ ...table, application })
}

class TableCore<N extends NodeState, M extends Message> implements Core {
  readonly #table: StageTable<N, M>
  readonly #node: N
  /** The facts of each message's type, which the gate reads for every message. */
  readonly #facts: ReadonlyMap<string, FactsAtGate>
  /** The rule for each command. */
  readonly #requests: ReadonlyMap<string, (node: N, request: Request) => void>
  /** True while the disk is at work on the last durable write. */
  #isWriting = false

  constructor(table: StageTable<N, M>, options: NodeOptions) {
    const peers = options.members.map(({ id }) => id).filter((id) => id !== options.id)
    const base = { ...options, peers, stage: table.number, applied: 0, effects: noEffects() }
    const node = { ...base, ...table.state(options) } as N
    for (const [name, verb] of Object.entries(table.verbs) as [string, (node: N, ...args: unknown[]) => unknown][]) {
      Object.assign(node, { [name]: (...args: unknown[]) => verb(node, ...args) })
    }
    this.#table = table
    this.#node = node
    const facts = Object.entries<MessageFacts>(table.messages).map(([type, { kind }]): [string, FactsAtGate] => [
      type,
      { kind, doubts: table.doubts[type as M['type']] ?? [] },
    ])
    this.#facts = new Map(facts)
    this.#requests = requestsOf(table)
    for (const rule of table.start) rule(node)
  }

  receive(message: Message): void {
    if (message.to !== this.#node.id || message.from === this.#node.id) return
    const handle = this.#table.on[message.type as M['type']] as ((node: N, message: Message) => void) | undefined
    if (!handle) throw new Error(`stage ${this.#table.number} has no rule for the message ${message.type}`)
    if (this.#passes(message as M)) handle(this.#node, message)
  }

  #passes(message: M): boolean {
    const facts = this.#facts.get(message.type)!
    return this.#table.gate.every((rule) => rule(this.#node, message, facts))
  }

  request(request: Request): void {
    const handle = this.#requests.get(request.command.command)
    if (!handle) throw new Error(`stage ${this.#table.number} has no rule for the command ${request.command.command}`)
    handle(this.#node, request)
  }

  tick(): void {
    for (const rule of this.#table.tick) rule(this.#node)
  }

  durable(upTo: EntryId): void {
    this.#isWriting = false
    for (const rule of this.#table.durable) rule(this.#node, upTo)
  }

  perform(entry: Apply): Performance {
    for (const rule of this.#table.perform) {
      const performance = rule(this.#node, entry)
      if (performance) return performance
    }
    return { isNew: entry.payload.kind === 'command', result: { answer: null } }
  }

  applied(upTo: Index): void {
    for (const rule of this.#table.applied) rule(this.#node, upTo)
  }

  saved(snapshot: Snapshot | null): void {
    for (const rule of this.#table.saved) rule(this.#node, snapshot)
  }

  held(kept: Kept): void {
    for (const rule of this.#table.held) rule(this.#node, kept)
  }

  kept(): readonly unknown[] {
    return this.#table.kept.flatMap((rule) => rule(this.#node))
  }

  restored(kept: readonly unknown[]): void {
    for (const rule of this.#table.restored) rule(this.#node, kept)
  }

  foreign(foreigner: Foreigner): void {
    for (const rule of this.#table.met) rule(this.#node, foreigner)
  }

  greeted(peer: Greeting): void {
    for (const rule of this.#table.greeted) rule(this.#node, peer)
  }

  get identity(): Identity | null {
    return this.#node.identify?.() ?? null
  }

  entries(from: Index): readonly Entry[] {
    return this.#table.entries?.(this.#node, from) ?? []
  }

  take(): Effects {
    for (const rule of this.#table.turn) rule(this.#node)
    const effects = this.#node.effects
    this.#node.effects = noEffects()
    this.#sign(effects)
    if (this.#isWriting) this.#holdBack(effects)
    else this.#isWriting = effects.persist !== null
    return effects
  }

  /** Signs every message with its sender's identity; a message that was held back is signed anew. */
  #sign({ send, sendWhenDurable, sendChunks }: Effects): void {
    const { identity } = this
    if (identity)
      for (const messages of [send, sendWhenDurable, sendChunks.map(({ chunk }) => chunk)])
        for (const one of messages) Object.assign(one, identity)
  }

  /** Keeps a write, and the messages that wait for it, for the next turn: the disk takes one write at a time. */
  #holdBack(effects: Effects): void {
    this.#node.effects.persist = effects.persist
    this.#node.effects.sendWhenDurable = effects.sendWhenDurable
    effects.persist = null
    effects.sendWhenDurable = []
  }

  get status(): Status {
    return this.#node.status()
  }
}

/** Collects the rule for each command: the application's commands are passed on in the form of entries. */
function requestsOf<N extends NodeState, M extends Message>({ application, requests }: StageTable<N, M>) {
  const { read, write, ...own } = requests
  const { codec } = application
  const ofApplication = Object.entries(application.commands).map(([name, { readOnly }]) => {
    const rule = readOnly ? read : write
    const handle = (node: N, request: Request) => rule(node, { ...request, command: codec.encode(request.command) })
    return [name, handle] as const
  })
  return new Map([...ofApplication, ...Object.entries(own)])
}
