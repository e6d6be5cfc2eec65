/** Characters at each end of a text that count in its print. */
const sampled = 64

/** Constants of the hash FNV-1a, with 32 bits. */
const [offset, prime] = [0x811c9dc5, 0x01000193]

/**
 * Makes a short number of a command: equal commands have equal prints. Of a long text only its length and its ends
 * count, because every command of every session is printed on every node. The print finds mistakes; it proves nothing.
 */
export function printOf(command: unknown): number {
  return mix(offset, command) >>> 0
}

function mix(hash: number, value: unknown): number {
  if (typeof value === 'string') return mixText(hash, value)
  if (value instanceof Uint8Array)
    return mixText(hash, String.fromCharCode(...value.subarray(0, sampled)) + value.length)
  if (typeof value !== 'object' || value === null) return mixText(hash, String(value))
  let mixed = hash
  for (const [name, part] of Object.entries(value)) mixed = mix(mixText(mixed, name), part)
  return mixed
}

function mixText(hash: number, text: string): number {
  let mixed = Math.imul(hash ^ text.length, prime)
  const head = Math.min(text.length, sampled)
  for (let at = 0; at < head; at++) mixed = Math.imul(mixed ^ text.charCodeAt(at), prime)
  for (let at = Math.max(head, text.length - sampled); at < text.length; at++)
    mixed = Math.imul(mixed ^ text.charCodeAt(at), prime)
  return mixed
}
