/** The form of a vector in JSON: the bytes of its float32 numbers, little-endian, as base64. */
import { endianness } from 'node:os'

const isLittleEndian = endianness() === 'LE'

/** Writes a vector as base64. */
export function encodeVector(vector: Float32Array): string {
  const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength)
  return (isLittleEndian ? bytes : Buffer.from(bytes).swap32()).toString('base64')
}

/**
 * Reads a vector from base64.
 *
 * @returns null if the text is not what {@link encodeVector} writes for some vector
 */
export function decodeVector(text: string): Float32Array | null {
  const bytes = Buffer.from(text, 'base64')
  if (bytes.length === 0 || bytes.length % 4 !== 0 || bytes.toString('base64') !== text) return null
  return toNumbers(bytes)
}

/** The numbers of a base64 text that was checked before it was replicated. */
export function numbersIn(text: string): Float32Array {
  return toNumbers(Buffer.from(text, 'base64'))
}

function toNumbers(bytes: Buffer): Float32Array {
  const whole = bytes.length - (bytes.length % 4)
  // A Buffer may begin anywhere in its memory; numbers begin at a multiple of four.
  const copy = Uint8Array.prototype.slice.call(bytes, 0, whole)
  if (!isLittleEndian) Buffer.from(copy.buffer).swap32()
  return new Float32Array(copy.buffer)
}
