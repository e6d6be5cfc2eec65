import { existsSync } from 'node:fs'
import type { Event, LogStore } from '../contracts.js'
import { ConfigError } from '../errors.js'
import type { LogKind } from '../stage.js'
import { holdDescriptors } from './descriptors.js'
import { explained, type Files, realFiles } from './files.js'
import { newIncarnation, type Owner } from './identity.js'
import { LevelLog } from './level-log.js'
import { checkKind } from './log-kind.js'
import { MemoryLog } from './memory-log.js'
import { WriteAheadLog } from './wal.js'

/**
 * Makes a node's log store; the node opens it.
 *
 * @param folder the node's own; null only for a log in memory
 * @param notice hears what opening did that a person would want to know: `log_cut`, `snapshot_damaged`
 * @param failed hears, also while nothing is written, that the folder is gone: the node must end
 * @param files the file system, for a log in files
 */
export function openLogStore(
  kind: LogKind,
  folder: string | null,
  owner: Owner,
  notice: (event: Event) => void = () => {},
  failed: (error: Error) => void = () => {},
  files: Files = realFiles,
): LogStore {
  // What is forgotten makes another node, at every start: it does not know for whom it voted.
  if (kind === 'memory') return new MemoryLog({ incarnation: newIncarnation() }, () => checkNoLog(folder))
  if (folder === null) throw new ConfigError(`a log of the kind "${kind}" needs a folder (dataDir)`)
  holdDescriptors()
  return kind === 'file'
    ? new WriteAheadLog(folder, owner, { notice, failed, files })
    : new LevelLog(folder, owner, notice, failed)
}

/**
 * Checks that no log on disk is there. A log in memory beside it would make a node forget, without a word, what it has
 * promised.
 *
 * @throws FolderError
 */
async function checkNoLog(folder: string | null): Promise<void> {
  if (folder !== null && existsSync(folder)) await checkKind(explained(realFiles), folder, 'memory')
}
