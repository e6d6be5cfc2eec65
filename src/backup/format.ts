/**
 * The form of a backup: a file of NDJSON. The first line says what it is a backup of, the last one has the count, the bytes
 * and the SHA-256 of all before it; between them are the lines of the application's state, of one moment. The form knows
 * no cluster: whatever gives a {@link Moment} can be written down.
 */
import { z } from 'zod'
import { compareKeys } from '../contracts.js'
import { DamagedLogError } from '../storage/errors.js'

/** The newest form of the file. */
export const backupFormat = 1

const member = z.object({ id: z.string(), client: z.string(), peer: z.string() })

/** The shape of the first line. Fields that a later version adds are kept, and not looked at. */
const headerShape = z.looseObject({
  backup: z.int().min(1),
  /** The name of the application, whose lines follow. */
  application: z.string().min(1),
  /** The engine whose state it is, if it is another than ours: `etcd`, whose revisions stand for indexes. */
  engine: z.string().optional(),
  /** The cluster's name, and its origin: the disk that founded it; empty before stage 8. */
  cluster: z.string(),
  origin: z.string(),
  /** The last entry whose effect is in the backup. */
  index: z.int().min(1),
  term: z.int().min(0),
  /** The time at which the backup began, by the clock of the machine that wrote it (ISO 8601). */
  at: z.string(),
  /** The version of the program that wrote it. */
  version: z.string(),
  members: z.array(member).readonly(),
})

const footerShape = z.object({
  entries: z.int().min(0),
  bytes: z.int().min(1),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
})

/** The first line of a backup. */
export type BackupHeader = z.infer<typeof headerShape>
/** The last line of a backup. `entries` are the lines between the first and the last; `bytes` those before the last. */
export type BackupFooter = z.infer<typeof footerShape>

/** The state of an application at one moment. */
export interface Moment {
  readonly header: BackupHeader
  /** Whole lines of the application's, many at a time. Equal states have equal lines. */
  readonly lines: AsyncIterable<string>
  /** Bytes of the lines, about. */
  readonly bytes: number
}

/** An error for a file that is no whole backup. @param line the number of the line that is wrong; 0 for none */
export function damagedBackup(path: string, line: number, what: string): DamagedLogError {
  const where = line > 0 ? `${path}:${line}` : path
  return new DamagedLogError(where, what, 'take another copy of it', 'this is not the backup that was written')
}

/** Reads the first line. @throws DamagedLogError if it is none, or of a later form */
export function parseHeader(path: string, line: string): BackupHeader {
  const read = headerShape.safeParse(asJson(line))
  if (!read.success) throw damagedBackup(path, 1, 'it is not the first line of a backup')
  if (read.data.backup <= backupFormat) return read.data
  throw damagedBackup(path, 1, `it is of the form ${read.data.backup}, which a later version wrote: run that version`)
}

/** Reads the last line; null if it is none. */
export function parseFooter(line: string): BackupFooter | null {
  return footerShape.safeParse(asJson(line)).data ?? null
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** A check of a line; it says what is wrong with the line, or null. */
export type LineCheck = (line: string) => string | null

/** The check for the lines of an application: those of a store of keys and values stand in the order of the keys. */
export function lineCheckOf(application: string): LineCheck {
  let last: string | null = null
  const isStore = application === 'key-value'
  return (line) => {
    const entry = asJson(line)
    if (entry === null) return 'it is no line of JSON'
    if (!isStore) return null
    const isPair = Array.isArray(entry) && entry.length === 2 && entry.every((part) => typeof part === 'string')
    if (!isPair) return 'it is no entry: ["key","value"]'
    const [key] = entry as [string, string]
    const isBehind = last === null || compareKeys(last, key) < 0
    last = key
    return isBehind ? null : 'its key does not stand behind the key of the line before'
  }
}
