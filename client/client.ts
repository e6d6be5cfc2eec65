import { connect, type Socket } from 'node:net'
import { parseAddress } from '../src/address.js'
import { ClientShell, type NumberedAnswer } from '../src/client-shell.js'
import { systemClock } from '../src/clock.js'
import { type Answer, type Command, type ErrorCode, failure, isObject, limits, type Outcome } from '../src/contracts.js'
import { encodeFrames, FrameDecoder, parseJson } from '../src/network/framing.js'
import { lookup } from '../src/network/lookup.js'
import { latest } from '../stages/index.js'
import { checkCall, checkSettings } from './check-call.js'
import type { CallSettings, ClientSettings, ReadSettings } from './settings.js'

export type { Outcome } from '../src/contracts.js'

/** Thrown by a call that was not done. `unknown` means that the command may have been performed, or may still be. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: string
  readonly unknown: boolean

  constructor(outcome: Exclude<Outcome, { outcome: 'done' }>) {
    super(outcome.error.message)
    this.code = outcome.error.code
    this.unknown = outcome.outcome === 'unknown'
  }
}

/** Milliseconds that the look-up of a name and the making of a connection may take together. */
const connectMs = 1_000

function refused(code: ErrorCode, message: string): Promise<Outcome> {
  return Promise.resolve({ outcome: 'refused', error: failure(code, message).error })
}

/**
 * A client talks to a cluster: it runs the client rules of the newest stage over real sockets and real time. It works
 * with clusters of any stage. Calls are pipelined, follow the leader, and always end: done, refused or unknown.
 */
export class Client {
  readonly #shell: ClientShell
  readonly #sockets = new Map<string, Socket>()
  readonly #outbox = new Map<string, string[]>()

  /** @throws ConfigError if no address is given, or a setting is not valid; the message says which */
  constructor(settings: ClientSettings) {
    this.#shell = new ClientShell(latest, checkSettings(settings), {
      clock: systemClock,
      connect: (address) => this.#connect(address),
      drop: (address) => this.#sockets.get(address)?.destroy(new Error('nothing was heard of the node')),
      send: (address, message) => this.#write(address, JSON.stringify(message)),
    })
  }

  /**
   * Sends a command, and resolves with its outcome; never rejects and never throws. A command that cannot be sent is
   * refused.
   */
  call(command: Command, settings: CallSettings = {}): Promise<Outcome> {
    if (this.#shell.isClosed) return refused('shutting_down', 'this client is closed')
    const checked = checkCall(command, settings)
    if ('problem' in checked) return refused(checked.code, checked.problem)
    return new Promise((resolve) => this.#shell.call(checked.command, checked, resolve))
  }

  /** Sends a command. @throws CallError unless the call is done */
  async #do(command: Command): Promise<Answer & { ok: true }> {
    const outcome = await this.call(command)
    if (outcome.outcome !== 'done') throw new CallError(outcome)
    return outcome.answer
  }

  /** Reads the value of a key; null if the key is absent. Settings are for stage 9 and later. @throws CallError */
  async get(key: string, { consistency, atLeast }: ReadSettings = {}): Promise<string | null> {
    return (await this.#do({ command: 'get', key, consistency, atLeast })).value as string | null
  }

  /** Sets the value of a key. @throws CallError */
  async set(key: string, value: string): Promise<void> {
    await this.#do({ command: 'set', key, value })
  }

  /** Deletes a key. @returns whether the key existed @throws CallError */
  async delete(key: string): Promise<boolean> {
    return (await this.#do({ command: 'delete', key })).existed as boolean
  }

  /** Appends to the value of a key. @returns the length of the grown value in UTF-16 units @throws CallError */
  async append(key: string, value: string): Promise<number> {
    return (await this.#do({ command: 'append', key, value })).length as number
  }

  /**
   * Compares and sets: if the key holds `expected` (null: is absent), it then holds `value`. @returns whether it was
   * set
   *
   * @throws CallError
   */
  async cas(key: string, expected: string | null, value: string): Promise<boolean> {
    const outcome = await this.call({ command: 'cas', key, expected, value })
    if (outcome.outcome === 'done') return true
    if (outcome.error.code === 'cas_mismatch') return false
    throw new CallError(outcome)
  }

  /**
   * Reads the entries whose keys have a prefix, in key order, page by page. All of them are of one moment: the one at
   * which the first page was read.
   *
   * @param pageKeys entries that one page has at most
   * @throws CallError, and of the code `compacted` if the node that gave the first page does not keep its moment any
   * more, or if another node is asked meanwhile: the scan must begin again
   */
  async *scan(
    prefix = '',
    pageKeys: number = limits.usualScanKeys,
  ): AsyncGenerator<[key: string, value: string], void> {
    for (let next: object | null = { prefix }; next !== null; ) {
      const { entries, page } = await this.#do({ command: 'scan', limit: pageKeys, ...next })
      yield* entries as [string, string][]
      next = page === undefined ? null : { page }
    }
  }

  /** Closes every connection. Calls under way end: unknown if they were sent, refused if not. */
  close(): void {
    for (const socket of this.#sockets.values()) socket.destroy()
    this.#shell.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Writes a request; all requests of one turn of the event loop leave in one write. */
  #write(address: string, text: string): void {
    const waiting = this.#outbox.get(address)
    if (waiting) return void waiting.push(text)
    this.#outbox.set(address, [text])
    process.nextTick(() => {
      this.#sockets.get(address)?.write(encodeFrames(this.#outbox.get(address)!))
      this.#outbox.delete(address)
    })
  }

  #connect(address: string): void {
    const where = parseAddress(address)
    if (!where) return this.#shell.disconnected(address, 'not an address')
    const socket = connect({ ...where, noDelay: true, lookup })
    const decoder = new FrameDecoder()
    let reason = 'closed by the node'
    this.#sockets.set(address, socket)
    const patience = setTimeout(() => socket.destroy(new Error(`no answer in ${connectMs} ms`)), connectMs)
    socket.on('connect', () => {
      clearTimeout(patience)
      this.#shell.connected(address)
    })
    socket.on('error', (error) => {
      reason = error.message
    })
    socket.on('close', () => {
      clearTimeout(patience)
      this.#sockets.delete(address)
      this.#shell.disconnected(address, reason)
    })
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      const { answers, isSpoilt } = answersIn(decoder)
      this.#shell.answered(address, answers)
      if (!isSpoilt) return
      reason = 'it did not answer in frames of JSON'
      socket.destroy()
    })
  }
}

/**
 * Decodes the answers that have come whole. After bytes that are no answer, the connection cannot be understood any
 * more.
 */
function answersIn(decoder: FrameDecoder): { answers: NumberedAnswer[]; isSpoilt: boolean } {
  const answers: NumberedAnswer[] = []
  for (let decoded = decoder.next(); decoded; decoded = decoder.next()) {
    const parsed = 'bytes' in decoded ? parseJson(decoded.bytes) : decoded
    if (!('value' in parsed && isObject(parsed.value))) return { answers, isSpoilt: true }
    const { id, ...answer } = parsed.value
    answers.push({ id, answer: answer as Answer })
  }
  return { answers, isSpoilt: false }
}
