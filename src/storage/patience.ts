import { setTimeout as pause } from 'node:timers/promises'
import type { Event } from '../contracts.js'
import { inWords } from './errors.js'
import type { Files } from './files.js'

declare module '../events.js' {
  interface EventDetails {
    disk_waits: { message: string }
  }
}

const pauseMs = { first: 10, most: 500 }
/** Errors that pass: descriptors and memory come back. Nothing was opened, so nothing can have been changed. */
const passing = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EAGAIN'])
/**
 * Errors that pass for a folder's sync. It may fail for want of memory after the folder was opened: then it is not
 * tried again.
 */
const outOfDescriptors = new Set(['EMFILE', 'ENFILE'])

/**
 * Wraps the calls so that an opening that fails for want of descriptors or memory is tried again until it succeeds.
 *
 * @param notice hears `disk_waits`, once until something can be opened again
 * @param isOver says whether the log was closed, so that nobody waits for it any more
 */
export function patient(files: Files, notice: (event: Event) => void, isOver: () => boolean): Files {
  let isTold = false
  const tell = (action: string, file: string, error: Error) => {
    if (!isTold) notice({ event: 'disk_waits', message: `cannot ${action} ${file} yet: ${inWords(error)}` })
    isTold = true
  }
  const again = async <Result>(action: string, path: string, call: () => Promise<Result>, codes = passing) => {
    for (let ms = pauseMs.first; ; ms = Math.min(pauseMs.most, 2 * ms)) {
      try {
        const result = await call()
        isTold = false
        return result
      } catch (error) {
        if (isOver() || !codes.has((error as NodeJS.ErrnoException).code ?? '')) throw error
        tell(action, path, error as Error)
        await pause(ms)
      }
    }
  }
  return {
    list: (folder) => again('list', folder, () => files.list(folder)),
    read: (path) => again('read', path, () => files.read(path)),
    open: (path, mode, writes) => again('open', path, () => files.open(path, mode, writes)),
    syncFolder: (path) => again('sync the folder', path, () => files.syncFolder(path), outOfDescriptors),
    makeFolder: (path) => files.makeFolder(path),
    rename: (from, to) => files.rename(from, to),
    remove: (path) => files.remove(path),
    look: (path) => again('look at', path, () => files.look(path)),
    room: (folder) => files.room(folder),
  }
}
