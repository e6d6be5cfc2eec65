/**
 * A reserve of file descriptors that a process holds back for its disk: connections of clients, however many come,
 * cannot use these up. Giving one back and opening a file happen in one step, so that no connection takes the
 * descriptor in between.
 */
import { close, closeSync, open, openSync } from 'node:fs'
import { devNull } from 'node:os'
import { promisify } from 'node:util'

/**
 * Descriptors held back: for a segment, a snapshot that is written, one that is received, some that are sent, and
 * folders that are synced.
 */
const reserved = 16

let wanted = 0
const held: number[] = []

/** Begins to hold descriptors back, as far as there are any. */
export function holdDescriptors(): void {
  wanted = reserved
  refill()
}

function refill(): void {
  try {
    while (held.length < wanted) held.push(openSync(devNull, 'r'))
  } catch {
    // The next file that is closed makes room.
  }
}

function giveOneBack(): boolean {
  const descriptor = held.pop()
  if (descriptor === undefined) return false
  closeSync(descriptor)
  return true
}

function isOutOfDescriptors({ code }: NodeJS.ErrnoException): boolean {
  return code === 'EMFILE' || code === 'ENFILE'
}

/**
 * Makes a call that needs a descriptor of its own. If none is left, gives one of the reserve back and makes the second,
 * synchronous call.
 */
export async function withReserve<Result>(call: () => Promise<Result>, atOnce: () => Result): Promise<Result> {
  try {
    return await call()
  } catch (error) {
    if (!isOutOfDescriptors(error as NodeJS.ErrnoException) || !giveOneBack()) throw error
    try {
      return atOnce()
    } finally {
      refill()
    }
  }
}

export async function openDescriptor(path: string, flags: number): Promise<number> {
  try {
    return await promisify(open)(path, flags)
  } catch (error) {
    if (!isOutOfDescriptors(error as NodeJS.ErrnoException) || !giveOneBack()) throw error
    return openSync(path, flags)
  }
}

/** Closes a descriptor; if the reserve lacks one, the freed descriptor goes there first. */
export async function closeDescriptor(descriptor: number): Promise<void> {
  if (held.length >= wanted) return promisify(close)(descriptor)
  closeSync(descriptor)
  refill()
}
