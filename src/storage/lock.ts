/**
 * A lock that keeps two processes off one folder. `LOCK` is a folder in which every process that wants the log puts a
 * file named after itself, then looks for others. Of two processes that come at once each sees the other, so no two
 * ever hold the lock. A name is a pid with the moment at which its process started. So a dead process's file hinders
 * nobody, whichever process got its pid. The lock sees the processes of this machine only, and not into other
 * containers.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from '../errors.js'
import type { Files } from './files.js'

const hasProc = existsSync('/proc/self/stat')
const ownName = hasProc ? nameInProc(process.pid)! : `${process.pid}-${Math.round(performance.timeOrigin)}`

/**
 * The name of a running process, which no other process ever has: pid, start in clock ticks since the boot, the boot.
 * Null if no such process runs.
 */
function nameInProc(pid: number): string | null {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8)
    // After the program's name, which may itself hold spaces and parentheses: the state, …, the start.
    const facts = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')
    return /[ZX]/.test(facts[0]!) ? null : `${pid}-${facts[19]}-${boot}`
  } catch {
    return null
  }
}

function isRunning(name: string): boolean {
  const pid = Number.parseInt(name, 10)
  if (hasProc) return nameInProc(pid) === name
  if (pid === process.pid) return name === ownName
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The file that this process puts into a folder that it has locked. */
export function lockEntry(folder: string): string {
  return join(folder, 'LOCK', ownName)
}

/** A process that holds a folder's lock. */
export interface Holder {
  readonly pid: number
  /** False where the system does not tell when a process began: then another process may have got this pid since. */
  readonly isSure: boolean
  /** Checks whether the process still runs; it may have let go of the lock before it ends. */
  isRunning(): boolean
}

/** Finds the running process that holds a folder's lock; null if there is none. */
export async function lockHolder(files: Files, folder: string): Promise<Holder | null> {
  const names = await files.list(join(folder, 'LOCK')).catch(() => [])
  const held = names.find((name) => /^\d+-/.test(name) && isRunning(name))
  return held === undefined
    ? null
    : { pid: Number.parseInt(held, 10), isSure: hasProc, isRunning: () => isRunning(held) }
}

/** @returns how to give it back @throws ConfigError that names the process that has it */
export async function lockFolder(files: Files, folder: string): Promise<() => Promise<void>> {
  const lock = join(folder, 'LOCK')
  const refuse = (pid: number): never => {
    throw new ConfigError(`${folder} is in use by process ${pid}${pid === process.pid ? ', this one' : ''}`)
  }
  await files.makeFolder(lock)
  const own = await files.open(join(lock, ownName), 'new').catch((error: NodeJS.ErrnoException) => {
    const { code } = (error.cause ?? error) as NodeJS.ErrnoException
    if (code === 'EEXIST') return refuse(process.pid)
    throw error
  })
  const release = () => files.remove(join(lock, ownName))
  try {
    await own.close()
    for (const name of await files.list(lock)) {
      if (name === ownName || !/^\d+-/.test(name)) continue
      if (isRunning(name)) refuse(Number.parseInt(name, 10))
      await files.remove(join(lock, name)).catch(() => {})
    }
    return release
  } catch (error) {
    await release().catch(() => {})
    throw error
  }
}
