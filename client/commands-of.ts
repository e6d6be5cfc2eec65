/** The types of commands and answers, for a client whose mistakes do not compile. */
import type { ErrorCode, Outcome } from '../src/contracts.js'

/** Commands of an application: by each name, the fields of a command, and those of its answer. */
export type AnyCommands = {
  readonly [name: string]: {
    readonly takes: Readonly<Record<string, unknown>>
    readonly gives: Readonly<Record<string, unknown>>
  }
}

/** Fields beside a read, from stage 9 on. */
interface BesideRead {
  readonly consistency?: 'linearizable' | 'stale' | undefined
  /** The index of an entry that the node must have performed before it answers. */
  readonly atLeast?: number | undefined
  /** True for an answer that bears the index of the last entry which its node has performed. */
  readonly withIndex?: true | undefined
}

/** Fields beside a write, from stage 9 on: those of a call of a session that the program itself has opened. */
interface BesideWrite {
  readonly session?: number | undefined
  readonly sequence?: number | undefined
  readonly firstOutstanding?: number | undefined
  readonly withIndex?: true | undefined
}

/** Fields beside an answer: how far its node was in the log, and how old a stale answer may be. */
interface BesideAnswer {
  readonly index?: number
  readonly ageMs?: number
}

interface Read<Takes, Gives> {
  readonly takes: Takes & BesideRead
  readonly gives: Gives & BesideAnswer
}

interface Write<Takes, Gives> {
  readonly takes: Takes & BesideWrite
  readonly gives: Gives & BesideAnswer
}

interface Asked<Takes, Gives> {
  readonly takes: Takes
  readonly gives: Gives
}

type None = Readonly<Record<never, never>>
interface Voters {
  readonly voters: readonly string[]
}

/** A member of the cluster. */
export interface ListedMember {
  readonly id: string
  /** The address at which it listens for clients, `host:port`. */
  readonly client: string
  /** The address at which it listens for nodes. */
  readonly peer: string
  readonly role: 'voter' | 'learner'
  /** Left out while its disk is the one that the cluster knows. */
  readonly disk?: 'replaced' | 'older'
  /** True of a learner that stays one; left out while it catches up, and of voters. */
  readonly stays?: true
}

/** The members of a cluster, as the node that was asked knows them. */
export interface MemberList {
  readonly members: readonly ListedMember[]
  /** The name of the leader; null while none is known. */
  readonly leader: string | null
}

/** A snapshot that a node keeps, to be copied. */
export interface KeptMoment {
  /** The last entry that it holds. */
  readonly index: number
  readonly term: number
  /** Bytes of its file, and the SHA-256 of all of them but the last line. */
  readonly bytes: number
  readonly sha256: string
  readonly format: number
  readonly origin: string
  readonly members: readonly { readonly id: string; readonly client: string; readonly peer: string }[]
}

/** Commands of every node, whatever its application is. */
export interface NodeCommands {
  readonly info: Asked<None, { readonly info: Readonly<Record<string, unknown>> }>
  readonly ping: Asked<None, None>
  readonly members: Asked<None, MemberList>
  readonly open_session: Asked<None, { readonly session: number }>
  readonly add_node: Asked<
    { readonly node: string; readonly client: string; readonly peer: string; readonly force?: true },
    Voters
  >
  readonly remove_node: Asked<{ readonly node: string; readonly force?: true }, Voters>
  readonly reconfigure: Asked<{ readonly voters: readonly string[]; readonly force?: true }, Voters>
  readonly cancel_change: Asked<None, None>
  readonly found_cluster: Asked<{ readonly members?: readonly string[] }, Voters>
  readonly transfer_leader: Asked<{ readonly to?: string }, { readonly leader: string }>
  readonly backup: Asked<{ readonly consistency?: 'linearizable' | 'stale' }, KeptMoment>
  readonly backup_piece: Asked<
    { readonly index: number; readonly term: number; readonly offset: number; readonly length: number },
    { readonly data: string }
  >
}

interface Key {
  readonly key: string
}

/** Commands of the key-value store, and of its nodes. */
export interface KeyValueCommands extends NodeCommands {
  readonly get: Read<Key, { readonly value: string | null }>
  readonly set: Write<Key & { readonly value: string }, None>
  readonly delete: Write<Key, { readonly existed: boolean }>
  readonly append: Write<Key & { readonly value: string }, { readonly length: number }>
  readonly cas: Write<Key & { readonly expected: string | null; readonly value: string }, None>
  readonly scan: Read<
    { readonly prefix?: string; readonly after?: string; readonly limit?: number; readonly page?: string },
    { readonly entries: readonly (readonly [string, string])[]; readonly more: boolean; readonly page?: string }
  >
}

/** A command by its name, with its fields. */
export type CommandNamed<M, N extends keyof M> = { readonly command: N } & (M[N] extends { readonly takes: infer T }
  ? T
  : never)

/** Any of the commands: a union of which each is known by its `command`. */
export type CommandOf<M> = { [N in keyof M]: CommandNamed<M, N> }[keyof M]

/** The answer to a command that was done. */
export type AnswerTo<M, N extends keyof M> = { readonly ok: true } & (M[N] extends { readonly gives: infer G }
  ? G
  : never)

/** The error of a call that was not done. Its code is one of those of the cluster, or one of the application's own. */
export interface CallFailure {
  readonly code: ErrorCode | (string & {})
  readonly message: string
  /** True if nothing was done, now or later. */
  readonly definite: boolean
  readonly [detail: string]: unknown
}

/** The outcome of a command: done with its answer, refused, or unknown. */
export type OutcomeOf<M, N extends keyof M> = string extends keyof M
  ? Outcome
  :
      | { readonly outcome: 'done'; readonly answer: AnswerTo<M, N> }
      | { readonly outcome: 'refused' | 'unknown'; readonly error: CallFailure }

/** Tells whether each command of an application reads or writes. */
export type ReadsAndWrites = Readonly<Record<string, 'read' | 'write'>>

/** Tells which of some commands read, by their shapes. */
export function readsAndWrites(commands: Readonly<Record<string, { readonly readOnly: boolean }>>): ReadsAndWrites {
  return Object.fromEntries(Object.entries(commands).map(([name, { readOnly }]) => [name, readOnly ? 'read' : 'write']))
}

/** The commands of the key-value store. */
export const keyValueApplication: ReadsAndWrites = {
  get: 'read',
  set: 'write',
  delete: 'write',
  append: 'write',
  cas: 'write',
  scan: 'read',
}

/** Commands of a node that only read: it does no harm to ask them again. */
export const nodeReads: readonly string[] = ['info', 'ping', 'members', 'backup', 'backup_piece']
