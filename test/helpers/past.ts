import {
  commandPayload,
  type Entry,
  type EntryId,
  type Member,
  makeEntry,
  type NodeId,
  type Payload,
  type Snapshot,
  type SnapshotHeader,
  type Term,
  theBeginning,
} from '../../src/contracts.js'
import { Records } from '../../src/storage/recover.js'
import { type Configuration, payloadOfConfiguration } from '../../stages/8-membership/configuration.js'
import { five } from './core.js'
import type { SnapshotFiles } from './snapshot-files.js'

/** Who there is, and who knows whom when everything begins. */
export interface World {
  readonly nodes: readonly Member[]
  /** These have always been together. */
  readonly members: readonly Member[]
  /** The first of these is to found a cluster, and to take in the others. */
  readonly founders: readonly Member[]
  /** The features that nodes know; none unless given. */
  readonly features?: Readonly<Record<NodeId, readonly string[]>>
}

export const theFive: World = { nodes: five, members: five, founders: [] }

/** How far a node is, as a script gives it. */
export interface Past {
  /** The newest first, two at most. All that the older holds was of the term of its last entry. */
  readonly snapshots?: readonly (EntryId | SnapshotHeader)[]
  /** The terms of the entries of its log: `[1, 1, 2]`; it begins behind the older snapshot. */
  readonly log?: readonly Term[]
  /** What stands at these indexes of it, where that is not a write. */
  readonly commands?: Readonly<Record<number, Held>>
  /** The term it is in; that of its last entry unless given. */
  readonly term?: Term
  readonly votedFor?: NodeId | null
}

/** The entry of hand-made logs: as log matching wants it, index and term decide what it holds. */
export function entryOf(index: number, term: Term, held?: Held): Entry {
  const written = commandPayload({ command: 'set', key: 'k', value: `${index}.${term}` })
  return makeEntry(index, term, held ? payloadFor(held) : written)
}

/** What an entry holds; of a configuration, who the members are is enough. */
export type Held = Payload | Configuration

const payloadFor = (held: Held): Payload => ('kind' in held ? held : payloadOfConfiguration(held))

export function entriesOf(terms: readonly Term[], before = 0, commands: Past['commands'] = {}): Entry[] {
  return terms.map((term, at) => entryOf(before + at + 1, term, commands[before + at + 1]))
}

/** By its index and term, an entry is known. */
export const nameOf = ({ index, term }: EntryId) => `${index}.${term}`

/** What a state machine holds after all entries up to this one, if all were of one term. */
export function stateUpTo({ index, term }: EntryId): string[] {
  return Array.from({ length: index }, (_, at) => nameOf({ index: at + 1, term }))
}

const idOf = ({ index, term }: EntryId) => ({ index, term })

/** Puts a past on a disk as a node would have. */
export function relive(past: Past, disk: Records, files: SnapshotFiles): void {
  const { snapshots = [], log = [], commands, term, votedFor = null } = past
  const [newest, older] = snapshots
  const edge = older ?? newest
  const entries = entriesOf(log, edge?.index, commands)
  disk.add([{ record: 'term', term: term ?? entries.at(-1)?.term ?? newest?.term ?? 0, votedFor }])
  if (edge) disk.add([{ record: 'snapshot', snapshot: idOf(edge) }])
  disk.add(entries.map((entry) => ({ record: 'entry', entry })))
  if (newest && older) disk.add([{ record: 'snapshot', snapshot: idOf(newest) }])
  const state = edge ? [...stateUpTo(edge), ...entries.map(nameOf)] : []
  for (const header of snapshots) files.save({ ...header }, state.slice(0, header.index))
}

/** Where members change, a hand-made past has always had the same ones: its snapshots say so, unless they say otherwise. */
export function withMembers(members: readonly Member[], snapshot: Snapshot): Snapshot {
  const voters = members.map((member) => ({ ...member, incarnation: member.id }))
  const configuration = { origin: 'n1', voters, outgoing: null, learners: [] }
  return { configurationIndex: 0, configuration, ...snapshot }
}

/** A snapshot of nothing, so that it can say something. */
export const emptySnapshot: Snapshot = { ...theBeginning, bytes: 0, sha256: '' }

/** A disk as it was when its log ended before this index. */
export function olderCopy(disk: Records, from: number): Records {
  const { bounds } = disk
  const older = new Records({ ...bounds, commit: Math.min(bounds.commit, from - 1) })
  const kept = Math.max(from - 1, bounds.snapshots[0]?.index ?? 0)
  const entries = disk.entriesBehind({ index: bounds.first - 1, term: 0 }).filter(({ index }) => index <= kept)
  older.add(entries.map((entry) => ({ record: 'entry', entry })))
  return older
}
