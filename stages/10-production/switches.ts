import {
  type EntryId,
  type Index,
  isObject,
  isPositive,
  type NodeOptions,
  type SnapshotHeader,
} from '../../src/contracts.js'

/** The features that a cluster has switched on, as one of its nodes knows them. */
export interface Switches {
  /** The features that this node knows. */
  readonly known: readonly string[]
  /** The features that are on, each with the index of the committed entry that switched it on. */
  readonly on: Map<string, Index>
  /** The features that other nodes know, by name and disk, as their hellos said. */
  readonly ofOthers: Map<string, readonly string[]>
  /** On a leader: the last entry with features that it has proposed. */
  proposed: EntryId | null
}

export function switches({ features = [], recovered }: NodeOptions): Switches {
  return { known: features, on: new Map(onIn(recovered.snapshots[0])), ofOthers: new Map(), proposed: null }
}

/** The features that a snapshot's header says were on. */
export function onIn(header: SnapshotHeader | undefined): [string, Index][] {
  const features = header?.features
  return isObject(features) ? Object.entries(features).filter((one): one is [string, Index] => isPositive(one[1])) : []
}
