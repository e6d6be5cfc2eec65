/** How a log fails its node. Both are final: nothing is tried again. */

/** A call on the disk failed, so that what the disk holds is unknown from here on (fsyncgate): the node must end. */
export class DiskError extends Error {
  override readonly name = 'DiskError'

  constructor(action: string, path: string, cause: Error) {
    super(`cannot ${action} ${path}: ${cause.message}; the node stops, because what the disk holds is now unknown`, {
      cause,
    })
  }
}

/** What a log has written is in no folder any more, or in another one: what it would write next is lost. */
export class LostFolderError extends DiskError {
  /** @param what became of the path */
  constructor(path: string, what: string) {
    super('go on writing to', path, new Error(what))
    this.message =
      `${path}: ${what} while the node runs, so what it writes would be lost; the node stops; ` +
      'if it was moved, put it back and start the node again; if it is lost, take the node out of the cluster and add it again with an empty folder (stage 8 on)'
  }
}

/** What is on the disk is not what was written, or part of it is gone. The message is one sentence for a person. */
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

/** For a log that can be cut where it is damaged. @param folder the node's */
export function cutAdvice(folder: string): string {
  return `to see what can be saved, or to cut it there: raft-roadmap log ${folder} --verify, or --repair`
}

/** For a node whose log goes on from something that is gone. */
export const replaceAdvice =
  'put the file back if there is a copy of it; or else, while the other nodes are a healthy majority, ' +
  'take this one out of the cluster and add it again with an empty folder (stage 8 on)'
