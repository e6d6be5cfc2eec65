import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env } from 'node:process'

/** What Linux calls a file system that is kept in memory. */
const tmpfs = 0x01021994

const folders = new Set<string>()

process.once('exit', () => {
  for (const folder of folders) removeFolder(folder)
})

/**
 * A fresh folder for what servers keep; if nobody removes it, it goes when this process ends. `TMPDIR` names where;
 * without it, the first of the usual places that is on a disk: a sync to memory costs nothing and measures nothing.
 */
export function dataFolder(): string {
  const places = env.TMPDIR ? [env.TMPDIR] : [tmpdir(), '/var/tmp', process.cwd()]
  const folder = mkdtempSync(join(places.find(isOnDisk) ?? places[0]!, 'raft-roadmap-bench-'))
  folders.add(folder)
  return folder
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  folders.delete(folder)
}

function isOnDisk(place: string): boolean {
  try {
    return statfsSync(place).type !== tmpfs
  } catch {
    return false
  }
}
