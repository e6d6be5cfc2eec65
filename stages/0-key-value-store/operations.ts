import { type Answer, type Command, failure, limits, type Store } from '../../src/contracts.js'
import { type Append, type Cas, type Delete, type Get, isLongerThan, type SetValue } from './commands.js'

export function get(store: Store, { key }: Get): Answer {
  return { ok: true, value: store.get(key) ?? null }
}

export function set(store: Store, { key, value }: SetValue): Answer {
  store.set(key, value)
  return { ok: true }
}

/** Clients say `delete`, which JavaScript keeps for itself. */
export function remove(store: Store, { key }: Delete): Answer {
  return { ok: true, existed: store.delete(key) }
}

/** Adds to the end of what is there; answers the new length in UTF-16 units, as JavaScript's `length` does. */
export function append(store: Store, { key, value }: Append): Answer {
  const longer = (store.get(key) ?? '') + value
  if (isLongerThan(limits.valueBytes, longer)) {
    return failure('too_large', `append: the value would grow past ${limits.valueBytes} bytes of UTF-8`)
  }
  store.set(key, longer)
  return { ok: true, length: longer.length }
}

/** Compare and set: writes only if the key holds what the client expects; `null` means "absent". */
export function cas(store: Store, { key, expected, value }: Cas): Answer {
  const actual = store.get(key) ?? null
  if (actual !== expected) return failure('cas_mismatch', 'the key does not hold the expected value', { actual })
  store.set(key, value)
  return { ok: true }
}

const encoder = new TextEncoder()

/** Bytes of UTF-8 by which a command may let the store grow, at most: as if its key were not there yet. */
export function growthOf({ command, key, value }: Command): number {
  if (command === 'delete') return 0
  return bytesOf(key) + bytesOf(value)
}

function bytesOf(text: unknown): number {
  return typeof text === 'string' ? encoder.encode(text).length : 0
}
