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
  if (typeof value === 'string') return mixText(hash, value)
  if (value instanceof Uint8Array) return mixBytes(hash, value)
  if (typeof value !== 'object' || value === null) return mixText(hash, String(value))
  let mixed = hash
  for (const name in value) mixed = mix(mixed, (value as Record<string, unknown>)[name])
  return mixed
}

function mixText(hash: number, text: string): number {
  const { length } = text
  let mixed = Math.imul(hash ^ length, prime)
  for (let at = 0; at < length; at = next(at, length)) mixed = Math.imul(mixed ^ text.charCodeAt(at), prime)
  return mixed
}

function mixBytes(hash: number, bytes: Uint8Array): number {
  const { length } = bytes
  let mixed = Math.imul(hash ^ length, prime)
  for (let at = 0; at < length; at = next(at, length)) mixed = Math.imul(mixed ^ bytes[at]!, prime)
  return mixed
}

/** The place after this one that counts: what lies between the two ends is left out. */
function next(at: number, length: number): number {
  return at === sampled - 1 ? Math.max(sampled, length - sampled) : at + 1
}
