/**
 * Errors with which a log fails its node. All but the want of room for a snapshot are final: nothing is tried again.
 */

/** Actions that change nothing if they fail: the state of the disk is known then. */
const changingNothing = new Set(['open', 'create', 'read', 'list', 'look at', 'see the size of', 'make the folder'])

/** Texts for errors of the system: the meaning, and what a person can do. */
const meanings: Readonly<Record<string, string>> = {
  EACCES: 'permission is denied; give the user that the node runs as the right to it',
  EPERM: 'it is not permitted; give the user that the node runs as the right to it',
  EISDIR: 'there is a folder where a file should be; move it away',
  ENOTDIR: 'there is a file where a folder should be; move it away',
  EEXIST: 'something else is there already; move it away',
  ENOENT: 'it is not there',
  ENOSPC: 'the disk is full; make room',
  EDQUOT: 'the quota on the disk is used up; make room',
  EFBIG: 'no file may become as large (ulimit -f)',
  EROFS: 'the file system is read-only; mount it for writing',
  EMFILE: 'the process has too many files and connections open (ulimit -n)',
  ENFILE: 'the system has too many files open',
  ENOMEM: 'the system has no memory left',
}

export function inWords({ code = '', message }: NodeJS.ErrnoException): string {
  const meaning = meanings[code]
  return meaning === undefined ? message : `${meaning} (${code})`
}

/**
 * A call on the disk failed. If the call was to change something, the disk's contents are unknown (fsyncgate): the node
 * must end.
 */
export class DiskError extends Error {
  override readonly name = 'DiskError'
  /** The failure without what follows from it. */
  readonly what: string

  constructor(action: string, path: string, cause: Error) {
    const what = `cannot ${action} ${path}: ${inWords(cause)}`
    const so = changingNothing.has(action)
      ? 'nothing was changed by that, and the node stops'
      : 'the node stops, because what the disk holds is now unknown'
    super(`${what}; ${so}`, { cause })
    this.what = what
  }
}

/**
 * The disk has no room for a snapshot. The snapshot has been given up, nothing is left of it, and the log goes on
 * without it.
 */
export class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
}

const noRoom = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

export function isNoRoom(error: unknown): error is Error {
  if (error instanceof NoRoomError) return true
  return error instanceof DiskError && noRoom.has((error.cause as NodeJS.ErrnoException).code ?? '')
}

/** The folder or a file of a running log is gone, or another is in its place: the log's next writes would be lost. */
export class LostFolderError extends DiskError {
  /** @param what became of the path */
  constructor(path: string, what: string) {
    super('go on writing to', path, new Error(what))
    this.message =
      `${path}: ${what} while the node runs, so what it writes would be lost; the node stops; ` +
      'if it was moved, put it back and start the node again; if it is lost, take the node out of the cluster and add it again with an empty folder (stage 8 on)'
  }
}

/** The disk holds something else than was written, or part of it is gone. The message is one sentence for a person. */
export class DamagedLogError extends Error {
  override readonly name = 'DamagedLogError'

  /** @param where the file, and the place in it @param advice what a person can do @param so what follows from it */
  constructor(
    where: string,
    what: string,
    advice: string,
    so = 'the log is damaged and the node will not start on it',
  ) {
    super(`${where}: ${what}; ${so}; ${advice}`)
  }
}

/** Advice for a log that can be cut where it is damaged. @param folder the node's */
export function cutAdvice(folder: string): string {
  return `to see what can be saved, or to cut it there: npx raft-roadmap log ${folder} --verify, or --repair`
}

/** Advice for a node whose log goes on from entries or snapshots that are gone. */
export const replaceAdvice =
  'put the file back if there is a copy of it; or else, while the other nodes are a healthy majority, ' +
  'take this one out of the cluster and add it again with an empty folder (stage 8 on)'
