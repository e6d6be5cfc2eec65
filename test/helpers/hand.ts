import type {
  Answer,
  Apply,
  Chunk,
  Core,
  Effects,
  Index,
  Member,
  Message,
  Persist,
  Reply,
  RequestId,
  SnapshotHeader,
} from '../../src/contracts.js'
import type { Records } from '../../src/storage/recover.js'
import type { SnapshotFiles } from './snapshot-files.js'

/** A message with fields that are only known by its type. */
export type AnyMessage = Message & { readonly [field: string]: unknown }

/** The fields that a message must have to be meant. */
export type Selection = Readonly<Record<string, unknown>>

/** What a disk is at work on, and what leaves when it is done. */
interface Write {
  readonly persist: Persist
  readonly messages: readonly Message[]
}

/** A snapshot that is being written: what the state machine held when it began. */
interface Save {
  readonly header: SnapshotHeader
  readonly lines: readonly string[]
}

/** A read that was answered: behind which entry, and with which fields. */
export interface Reading {
  readonly request: RequestId
  readonly behind: Index
  readonly fields: Readonly<Record<string, unknown>>
}

/** The acts of a state machine, and of the rules before it. */
export interface Acts {
  /** The indexes of the commands that the state machine performed, in order. */
  readonly done: Index[]
  /** The answers to entries, by the requests that waited for them here. */
  readonly answers: Map<RequestId, Answer>
  readonly readings: Reading[]
  /** The last entry whose effect the state machine has. */
  upTo: Index
}

/** One core with its disk, its state machine, and what it has decided. */
export interface Hand {
  core: Core
  disk: Records
  files: SnapshotFiles
  /** Counts the disks that have been in this place. */
  incarnation: number
  /** Whom it is connected with; null where that never changes. */
  connected: readonly Member[] | null
  /** One at a time, unless the script itself calls a write done. */
  underWay: Write[]
  isSlow: boolean
  /** The turns whose entries wait while the state machine stands still; null while it does not. */
  stalled: Effects[] | null
  save: Save | null
  /** Pieces of snapshots that came, and whether they wait until the script says that they are kept. */
  chunks: Chunk[]
  isHolding: boolean
  /** What its state machine holds: the name of every entry whose effect it has, in order. */
  state: string[]
  restored: number[]
  applied: Apply[]
  replies: Reply[]
  acts: Acts
}

export function isMeant(message: Message, selection: Selection): boolean {
  return Object.entries(selection).every(([field, value]) => (message as AnyMessage)[field] === value)
}

/** A message without the disk and the cluster of its sender, which all messages bear where members change. */
export function unsigned({ incarnation: _incarnation, origin: _origin, ...message }: AnyMessage): AnyMessage {
  return message as AnyMessage
}
