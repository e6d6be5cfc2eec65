import type { EntryId } from './ids.js'
import { type Answer, failure } from './requests.js'

/** A piece of a snapshot's file for a client, who copies the file piece by piece. */
export interface SnapshotPiece {
  readonly snapshot: EntryId
  /** The byte of the file at which the piece begins. */
  readonly offset: number
  /** Bytes of the piece; there are fewer at the end of the file. */
  readonly length: number
}

/** A reader of snapshots: null if the snapshot is not kept any more. */
interface Readable {
  read(snapshot: EntryId, offset: number, length: number): Promise<Uint8Array | null>
}

/** Reads a piece for a client, whose answer has it as `data`, in base64. */
export async function answerWithPiece(snapshots: Readable | undefined, piece: SnapshotPiece): Promise<Answer> {
  const { snapshot, offset, length } = piece
  const data = await snapshots?.read(snapshot, offset, length)
  if (!data)
    return failure('compacted', `the snapshot of entry ${snapshot.index} is not kept here any more; begin again`)
  return { ok: true, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64') }
}
