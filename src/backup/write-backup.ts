import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { ConfigError } from '../errors.js'
import { DiskError } from '../storage/errors.js'
import { explained, type Files, type OpenFile, realFiles } from '../storage/files.js'
import { writeSnapshot } from '../storage/snapshot-file.js'
import type { BackupFooter, Moment } from './format.js'

/** The disk to which a backup is written failed. Nothing is there under the backup's name. */
export class BackupDiskError extends DiskError {
  constructor(path: string, error: DiskError) {
    super('write', path, error.cause as Error)
    this.message = `${error.what}; no backup was written: there is nothing under the name ${path}`
  }
}

/** Settings of the writing of a backup. */
export interface WriteSettings {
  /** Hears the bytes that were written so far. */
  readonly onProgress?: (bytes: number) => void
  /** Ends the writing when it is aborted: the error of the signal is thrown, and nothing is left. */
  readonly signal?: AbortSignal
  readonly files?: Files
}

/**
 * Writes a backup. A file has the name only once it is whole and durable: until then it has another one, in the same
 * folder. After an error nothing is left of it.
 *
 * @throws ConfigError if there is a file of this name; BackupDiskError; and what the moment throws
 */
export async function writeBackup(path: string, moment: Moment, settings: WriteSettings = {}): Promise<BackupFooter> {
  const files = explained(settings.files ?? realFiles)
  await checkFree(files, path)
  const part = join(dirname(path), `${basename(path)}.${randomBytes(4).toString('hex')}.part`)
  const file = await files.open(part, 'new').catch((error: DiskError) => {
    throw new BackupDiskError(path, error)
  })
  let name = part
  try {
    const footer = await fill(file, moment, settings)
    await checkFree(files, path)
    await files.rename(part, path)
    name = path
    await files.syncFolder(dirname(path))
    return footer
  } catch (error) {
    await files.remove(name).catch(() => {})
    throw error instanceof DiskError ? new BackupDiskError(path, error) : error
  }
}

/** @throws ConfigError if there is a file of this name: no backup takes the place of another */
export async function checkFree(files: Files, path: string): Promise<void> {
  const isThere = await files.look(path)
  if (isThere) throw new ConfigError(`${path} is there already, and is not overwritten: choose another name`)
}

async function fill(file: OpenFile, moment: Moment, { onProgress, signal }: WriteSettings): Promise<BackupFooter> {
  let entries = 0
  async function* counted(): AsyncGenerator<string> {
    for await (const lines of moment.lines) {
      for (let at = lines.indexOf('\n'); at >= 0; at = lines.indexOf('\n', at + 1)) entries++
      yield lines
    }
  }
  let whole: BackupFooter | undefined
  const footer = (sha256: string, bytes: number) => {
    whole = { entries, bytes, sha256 }
    return Buffer.from(`${JSON.stringify(whole)}\n`)
  }
  const beforeSlice = async (bytes: number) => {
    signal?.throwIfAborted()
    onProgress?.(bytes)
  }
  try {
    await writeSnapshot(file, moment.header, counted(), beforeSlice, footer)
    return whole!
  } finally {
    await file.close()
  }
}
