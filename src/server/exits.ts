import { DamagedLogError, DiskError } from '../storage/errors.js'

/** Exit codes of the project's processes. */
export const exitCodes = {
  done: 0,
  refused: 1,
  usage: 2,
  unknown: 3,
  damagedLog: 65,
  brokenInvariant: 70,
  diskFailed: 74,
} as const

/** Chooses the exit code of a process that failed with this error. */
export function exitCodeOf(error: Error): number {
  if (error instanceof DamagedLogError) return exitCodes.damagedLog
  return error instanceof DiskError ? exitCodes.diskFailed : exitCodes.usage
}
