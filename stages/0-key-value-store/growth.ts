import type { Command } from '../../src/contracts.js'

const encoder = new TextEncoder()

/** Bytes of UTF-8 by which a command may let the store grow, at most: as if its key were not there yet. */
export function growthOf({ command, key, value }: Command): number {
  if (command === 'delete') return 0
  return bytesOf(key) + bytesOf(value)
}

function bytesOf(text: unknown): number {
  return typeof text === 'string' ? encoder.encode(text).length : 0
}
