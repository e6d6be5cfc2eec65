import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { parseAddress } from '../../../src/address.js'
import { type Decoder, FrameDecoder, LineDecoder, parseJson } from '../../../src/network/framing.js'
import type { Raw, RawConnection } from '../../../src/proof/scenario/scenario.js'

/** Milliseconds to wait for an answer that a node should give at once. */
const patienceMs = 5_000

/** A bare connection, as `nc` makes one: it sends any bytes, and receives messages in either framing. */
export class RawSocket implements RawConnection {
  readonly #socket: Socket
  readonly #messages: unknown[] = []
  #decoder: Decoder | null = null
  #ended = false

  constructor(address: string) {
    this.#socket = connect({ ...parseAddress(address)!, allowHalfOpen: true, noDelay: true })
    this.#socket.on('error', () => this.#socket.destroy())
    this.#socket.on('data', (chunk) => this.#received(chunk as Buffer))
    this.#socket.on('end', () => this.#end())
    this.#socket.on('close', () => this.#end())
  }

  async send({ bytes, bytewise }: Extract<Raw, { kind: 'sends' }>): Promise<void> {
    const pieces = bytewise ? [...bytes].map((byte) => Uint8Array.of(byte)) : [bytes]
    // If the node hangs up in the middle, the script's next expectation judges it.
    for (const piece of pieces) await new Promise<void>((resolve) => this.#socket.write(piece, () => resolve()))
  }

  end(): void {
    this.#socket.end()
  }

  async receive(): Promise<unknown> {
    await this.#until(() => this.#messages.length > 0 || this.#ended)
    return this.#messages.shift()
  }

  async closed(): Promise<boolean> {
    await this.#until(() => this.#ended)
    return this.#ended
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** Decodes answers: their framing is that of the questions, told apart by the first byte. */
  #received(chunk: Buffer): void {
    this.#decoder ??= chunk[0] === 0 ? new FrameDecoder() : new LineDecoder()
    this.#decoder.push(chunk)
    for (let decoded = this.#decoder.next(); decoded; decoded = this.#decoder.next()) {
      const parsed = 'bytes' in decoded ? parseJson(decoded.bytes) : decoded
      this.#messages.push('value' in parsed ? parsed.value : parsed.problem)
      if ('problem' in decoded) break
    }
    this.#socket.emit('changed')
  }

  #end(): void {
    this.#ended = true
    this.#socket.emit('changed')
  }

  async #until(condition: () => boolean): Promise<void> {
    const signal = AbortSignal.timeout(patienceMs)
    while (!condition() && !signal.aborted) await once(this.#socket, 'changed', { signal }).catch(() => {})
  }
}
