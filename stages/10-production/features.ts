import {
  type EntryId,
  type Greeting,
  type Index,
  type Payload,
  payloadOf,
  type Snapshot,
  type SnapshotHeader,
} from '../../src/contracts.js'
import type { StageTable } from '../../src/stage.js'
import { headerWithMembers } from '../8-membership/found.js'
import type { ProductionNode } from './production-node.js'
import { onIn } from './switches.js'

declare module '../../src/events.js' {
  interface EventDetails {
    /** Features are on from this entry on: every member knows them. */
    features_on: { features: readonly string[]; index: Index }
    /** A node that has come lacks features that are on: it can read the log no more. */
    features_missing: { member: string; features: readonly string[] }
  }
}

/** The feature by which replicas compare their results, in windows of entries; see `compare-results.ts`. */
export const comparing = 'compare-results'

/**
 * The features of this release. Each one changes what stands in the log, or what nodes do with it, in a way that an
 * earlier release does not know.
 */
const featuresOfRelease: readonly string[] = [comparing]

/** The names of features in a payload. */
function featuresIn(payload: Payload): readonly string[] {
  return payload.kind === 'features' && Array.isArray(payload.features) ? (payload.features as string[]) : []
}

const isName = (name: unknown) => typeof name === 'string' && name !== '' && name.length <= 64

/** Checks an entry from another node: it names features, few and short. A name that is not known here is no fault. */
function isFeatures(payload: Payload): boolean {
  const names = featuresIn(payload)
  return names.length > 0 && names.length <= 64 && names.every(isName)
}

/** The entries that switched features on are gone behind a snapshot, so its header names them. */
export function headerWithFeatures(node: ProductionNode, id: EntryId): SnapshotHeader {
  const { on } = node.switches
  const header = headerWithMembers(node, id)
  return on.size === 0 ? header : { ...header, features: Object.fromEntries(on) }
}

/**
 * Ends a turn: features are on where their entry is **committed**, at the same place of the log on every node. An entry
 * that is only proposed may be taken back, and other nodes would never have heard of it.
 */
export function followFeatures(node: ProductionNode): void {
  for (const { index, payload } of node.effects.apply) {
    const names = featuresIn(payload).filter((name) => !node.switches.on.has(name))
    if (names.length > 0) switchOn(node, names, index)
  }
}

/** A snapshot holds entries that this node has not seen. */
export function followSnapshot(node: ProductionNode, snapshot: Snapshot | null): void {
  if (snapshot === null || snapshot.index > node.handed) return
  for (const [name, index] of onIn(snapshot)) if (!node.switches.on.has(name)) switchOn(node, [name], index)
}

function switchOn(node: ProductionNode, features: readonly string[], index: Index): void {
  refuseUnknown(node, features)
  for (const name of features) node.switches.on.set(name, index)
  // A node that starts performs its log anew: what was committed in an earlier life was told then.
  if (index > node.recovered.commit) node.effects.events.push({ event: 'features_on', features, index })
}

/** A node that starts looks for features in its log that it does not know: a later release wrote it. @throws Error */
export function refuseLaterLog(node: ProductionNode): void {
  refuseUnknown(node, [...node.switches.on.keys()])
  for (const entry of node.recovered.entries) refuseUnknown(node, featuresIn(payloadOf(entry)))
}

/** @throws Error that names the features */
function refuseUnknown({ switches, id }: ProductionNode, features: readonly string[]): void {
  const unknown = features.filter((name) => !switches.known.includes(name))
  if (unknown.length === 0) return
  const names = unknown.join(', ')
  throw new Error(`the log of ${id} uses ${names}, which this release does not know: run the release that wrote it`)
}

/** Nodes of other names and disks whose features are remembered at most. */
const othersLimit = 64

/** A node has said which features it knows, or is gone: then nobody knows of which release it comes back. */
function noteGreeting(node: ProductionNode, { id: member, incarnation, features: said }: Greeting): void {
  const { on, ofOthers } = node.switches
  if (said === null) return void ofOthers.delete(`${member} ${incarnation}`)
  if (ofOthers.size >= othersLimit) ofOthers.clear()
  ofOthers.set(`${member} ${incarnation}`, said)
  const features = [...on.keys()].filter((name) => !said.includes(name))
  if (features.length > 0) node.effects.events.push({ event: 'features_missing', member, features })
}

type Before = Pick<StageTable<ProductionNode, never>, 'start' | 'payloads'>

/** The slots of a table that features fill. */
export const featureSlots = ({ start, payloads }: Before) => ({
  features: featuresOfRelease,
  payloads: { ...payloads, features: isFeatures },
  start: [...start, refuseLaterLog],
  greeted: [noteGreeting],
})
