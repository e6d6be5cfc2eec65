import { DamagedLogError, DiskError } from '../storage/errors.js'

/** How a process of ours ends. */
export const exitCodes = {
  done: 0,
  refused: 1,
  usage: 2,
  unknown: 3,
  damagedLog: 65,
  brokenInvariant: 70,
  diskFailed: 74,
} as const

/** How a process ends that could not do what it was told. */
export function exitCodeOf(error: Error): number {
  if (error instanceof DamagedLogError) return exitCodes.damagedLog
  return error instanceof DiskError ? exitCodes.diskFailed : exitCodes.usage
}
