const scratch = new DataView(new ArrayBuffer(8))

/** A short hash of a long run: FNV-1a with two different offsets, 64 bits in all. Not for secrets. */
export class Fingerprint {
  #low = 0x811c9dc5
  #high = 0xcbf29ce4

  add(text: string): void {
    for (let at = 0; at < text.length; at++) this.#mix(text.charCodeAt(at))
  }

  addNumber(number: number): void {
    scratch.setFloat64(0, number)
    for (const at of [0, 4]) this.#mix(scratch.getUint32(at))
  }

  addBytes(bytes: Uint8Array): void {
    for (const byte of bytes) this.#mix(byte)
  }

  #mix(unit: number): void {
    this.#low = Math.imul(this.#low ^ unit, 0x01000193)
    this.#high = Math.imul(this.#high ^ (unit + 1), 0x01000193)
  }

  digest(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0')
    return hex(this.#high) + hex(this.#low)
  }
}
