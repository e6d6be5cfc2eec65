import { isUtf8 } from 'node:buffer'

/** A field of a message on the wire, with the facts that decide whether reading it keeps its value. */
export interface WireField {
  readonly name: string
  readonly kind: 'string' | 'message' | 'uint32' | 'other'
  readonly isRepeated: boolean
  /** The form of the field's message; set if `kind` is `message`. */
  readonly message?: WireForm
}

export interface WireForm {
  readonly name: string
  readonly fields: ReadonlyMap<number, WireField>
}

/** Fields and elements of one packet, nested ones included. Each costs an object, however short its bytes. */
const mostParts = 65_536
const deepest = 16

/**
 * Checks protobuf bytes before the library reads them, for faults that the library would ignore: a string that is not
 * UTF-8 is changed, the first of two equal fields is lost, an unknown field is left out.
 *
 * @param isOpen whether unknown fields are accepted, for messages that a later version may extend
 * @throws Error that says what is wrong
 */
export function checkWire(bytes: Uint8Array, form: WireForm, isOpen = false): void {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  new Walk(whole, isOpen).message(form, 0, whole.length, 0)
}

class Walk {
  readonly #bytes: Buffer
  readonly #isOpen: boolean
  #parts = 0
  #at = 0

  constructor(bytes: Buffer, isOpen: boolean) {
    this.#bytes = bytes
    this.#isOpen = isOpen
  }

  message(form: WireForm, from: number, to: number, depth: number): void {
    if (depth > deepest) throw new Error(`messages are nested more than ${deepest} deep`)
    const seen = new Set<number>()
    this.#at = from
    while (this.#at < to) {
      if (++this.#parts > mostParts) throw new Error(`more than ${mostParts} fields in one packet`)
      const tag = this.#varint(to)
      const number = Math.floor(tag / 8)
      const field = form.fields.get(number)
      if (!field && !this.#isOpen) throw new Error(`${form.name} has no field number ${number}`)
      if (field && !field.isRepeated && seen.has(number)) throw new Error(`${form.name}.${field.name} is there twice`)
      seen.add(number)
      this.#value(tag % 8, field, to, depth)
    }
  }

  #value(wireType: number, field: WireField | undefined, to: number, depth: number): void {
    if (wireType === 0) {
      const value = this.#varint(to)
      if (field?.kind === 'uint32' && value >= 2 ** 32) throw new Error(`${field.name} is over 2^32 - 1`)
    } else if (wireType === 1) this.#skip(8, to)
    else if (wireType === 5) this.#skip(4, to)
    else if (wireType === 2) this.#bytesOf(field, to, depth)
    else throw new Error(`a field of wire type ${wireType}`)
  }

  #bytesOf(field: WireField | undefined, to: number, depth: number): void {
    const length = this.#varint(to)
    const from = this.#at
    this.#skip(length, to)
    const end = this.#at
    if (field?.kind === 'string' && !isUtf8(this.#bytes.subarray(from, end)))
      throw new Error(`${field.name} is not UTF-8`)
    if (field?.message) this.message(field.message, from, end, depth + 1)
    this.#at = end
  }

  #varint(to: number): number {
    let value = 0
    for (let factor = 1, count = 0; count < 10; count++, factor *= 128) {
      if (this.#at >= to) break
      const byte = this.#bytes[this.#at++]!
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new Error('it is cut short')
  }

  #skip(length: number, to: number): void {
    if (length > to - this.#at) throw new Error('it is cut short')
    this.#at += length
  }
}
