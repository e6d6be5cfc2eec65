/** Characters at each end of a text that count in its print. */
const sampled = 16

/** Constants of the hash FNV-1a, with 32 bits. */
const [offset, prime] = [0x811c9dc5, 0x01000193]

/**
 * Makes a short number of a command: equal commands have equal prints. Of a text only its length and its ends count,
 * because every command of every session is printed on every node. The print finds mistakes; it proves nothing.
 */
export function printOf(command: unknown): number {
  return mix(offset, command) >>> 0
}

function mix(hash: number, value: unknown): number {
  if (typeof value === 'string') return mixText(hash, value.length, (at) => value.charCodeAt(at))
  if (value instanceof Uint8Array) return mixText(hash, value.length, (at) => value[at]!)
  if (typeof value !== 'object' || value === null) return mix(hash, String(value))
  let mixed = hash
  for (const name in value) mixed = mix(mixed, (value as Record<string, unknown>)[name])
  return mixed
}

function mixText(hash: number, length: number, at: (index: number) => number): number {
  let mixed = Math.imul(hash ^ length, prime)
  const head = Math.min(length, sampled)
  for (let index = 0; index < head; index++) mixed = Math.imul(mixed ^ at(index), prime)
  for (let index = Math.max(head, length - sampled); index < length; index++)
    mixed = Math.imul(mixed ^ at(index), prime)
  return mixed
}
