import { connect, type Socket } from 'node:net'
import { longestTimerMs } from '../src/clock.js'
import { type Answer, type Command, type ErrorCode, failure, isObject, type Outcome } from '../src/contracts.js'
import { parseAddress } from '../src/network/address.js'
import { encodeFrames, FrameDecoder, parseJson } from '../src/network/framing.js'
import { lookup } from '../src/network/lookup.js'
import { commands, nodeCommands } from '../stages/0-key-value-store/commands.js'
import { call } from '../stages/1-client/call.js'
import { client, defaultClientOptions, take } from '../stages/1-client/client.js'
import { elapsedDuringElection as elapsed } from '../stages/6-leader-election/follow-leader.js'
import { membershipCommands } from '../stages/8-membership/commands.js'
import {
  answeredByMember as answered,
  connectedToMember as connected,
  disconnectedFromMember as disconnected,
} from '../stages/8-membership/learn-members.js'
import { checkCall, checkSettings } from './check-call.js'

export type { Outcome } from '../src/contracts.js'

export interface ClientSettings {
  /** Where nodes listen for clients, `host:port`. One is enough; several let the client find another when one is down. */
  readonly addresses: readonly string[]
  /** How long a call may take before its outcome is settled without an answer, in milliseconds. Default 5000. */
  readonly deadlineMs?: number
  /** How many times one call may be sent on to another node. Default 5. */
  readonly maxRedirects?: number
}

export interface CallSettings {
  readonly deadlineMs?: number
  /** Ask the node at this address and no other; its redirect is then the outcome. */
  readonly at?: string
}

/** A call that did not end as done. `unknown` means that it may have happened, or may still. */
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

/** How long the look-up of a name and the making of a connection may take together, in milliseconds. */
const connectMs = 1_000
const closedMessage = 'this client was closed before the answer came'

const readOnlyCommands = new Set(
  Object.entries({ ...commands, ...nodeCommands, ...membershipCommands })
    .filter(([, shape]) => shape.readOnly)
    .map(([name]) => name),
)

function refused(code: ErrorCode, message: string): Promise<Outcome> {
  return Promise.resolve({ outcome: 'refused', error: failure(code, message).error })
}

/**
 * Talks to a cluster: the state machine of stage 1 over real sockets and real time. Calls are pipelined, follow the
 * leader, and always end: done, refused or unknown.
 */
export class Client {
  readonly #state
  readonly #sockets = new Map<string, Socket>()
  readonly #waiting = new Map<number, (outcome: Outcome) => void>()
  readonly #outbox = new Map<string, string[]>()
  #timer: NodeJS.Timeout | undefined
  #timerMoment = Number.POSITIVE_INFINITY
  #closed = false

  /** @throws ConfigError if there is no address, or a setting is not what it must be; the message says which */
  constructor(settings: ClientSettings) {
    this.#state = client({ ...defaultClientOptions, ...checkSettings(settings) })
  }

  /** Asks, and resolves with how it ended; never rejects and never throws. What cannot be asked is refused. */
  call(command: Command, settings: CallSettings = {}): Promise<Outcome> {
    if (this.#closed) return refused('shutting_down', 'this client is closed')
    const checked = checkCall(command, settings)
    if ('problem' in checked) return refused(checked.code, checked.problem)
    const { command: asked, deadlineMs, at } = checked
    const readOnly = readOnlyCommands.has(asked.command)
    elapsed(this.#state, performance.now())
    const id = call(this.#state, asked, { readOnly, deadlineMs, at })
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      this.#carryOut()
    })
  }

  /** @throws CallError unless the call is done */
  async #do(command: Command): Promise<Answer & { ok: true }> {
    const outcome = await this.call(command)
    if (outcome.outcome !== 'done') throw new CallError(outcome)
    return outcome.answer
  }

  /** The value of a key, or null when it is absent. @throws CallError */
  async get(key: string): Promise<string | null> {
    return (await this.#do({ command: 'get', key })).value as string | null
  }

  /** @throws CallError */
  async set(key: string, value: string): Promise<void> {
    await this.#do({ command: 'set', key, value })
  }

  /** Whether the key existed. @throws CallError */
  async delete(key: string): Promise<boolean> {
    return (await this.#do({ command: 'delete', key })).existed as boolean
  }

  /** The length of the grown value in UTF-16 units. @throws CallError */
  async append(key: string, value: string): Promise<number> {
    return (await this.#do({ command: 'append', key, value })).length as number
  }

  /** Whether the key held `expected` (null: was absent) and now holds `value`. @throws CallError */
  async cas(key: string, expected: string | null, value: string): Promise<boolean> {
    const outcome = await this.call({ command: 'cas', key, expected, value })
    if (outcome.outcome === 'done') return true
    if (outcome.error.code === 'cas_mismatch') return false
    throw new CallError(outcome)
  }

  /** Breaks every connection. Calls under way end: unknown if they were sent, refused if not. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    for (const socket of this.#sockets.values()) socket.destroy()
    for (const { id, sent } of this.#state.calls.values()) {
      const error = failure(sent ? 'connection_lost' : 'shutting_down', closedMessage).error
      this.#waiting.get(id)?.({ outcome: sent ? 'unknown' : 'refused', error })
    }
    this.#waiting.clear()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  /** Does what the state machine has decided. */
  #carryOut(): void {
    const { connect, send, settle } = take(this.#state)
    for (const address of connect) this.#connect(address)
    for (const { address, message } of send) this.#write(address, JSON.stringify(message))
    for (const { id, outcome } of settle) {
      const resolve = this.#waiting.get(id)
      this.#waiting.delete(id)
      resolve?.(outcome)
    }
    this.#armTimer()
  }

  /** All that is asked in one turn of the event loop leaves in one write. */
  #write(address: string, text: string): void {
    const waiting = this.#outbox.get(address)
    if (waiting) return void waiting.push(text)
    this.#outbox.set(address, [text])
    process.nextTick(() => {
      this.#sockets.get(address)?.write(encodeFrames(this.#outbox.get(address)!))
      this.#outbox.delete(address)
    })
  }

  #armTimer(): void {
    const moment = this.#state.wakeAt
    if (moment >= this.#timerMoment) return
    clearTimeout(this.#timer)
    this.#timerMoment = moment
    const wake = () => {
      this.#timerMoment = Number.POSITIVE_INFINITY
      this.#input(() => {})
    }
    this.#timer = setTimeout(wake, Math.min(Math.max(0, moment - performance.now()), longestTimerMs))
  }

  #input(step: () => void): void {
    if (this.#closed) return
    elapsed(this.#state, performance.now())
    step()
    this.#carryOut()
  }

  #connect(address: string): void {
    const where = parseAddress(address)
    if (!where) return this.#input(() => disconnected(this.#state, address, 'not an address'))
    const socket = connect({ ...where, noDelay: true, lookup })
    const decoder = new FrameDecoder()
    let reason = 'closed by the node'
    this.#sockets.set(address, socket)
    const patience = setTimeout(() => socket.destroy(new Error(`no answer in ${connectMs} ms`)), connectMs)
    socket.on('connect', () => {
      clearTimeout(patience)
      this.#input(() => connected(this.#state, address))
    })
    socket.on('error', (error) => {
      reason = error.message
    })
    socket.on('close', () => {
      clearTimeout(patience)
      this.#sockets.delete(address)
      this.#input(() => disconnected(this.#state, address, reason))
    })
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      this.#input(() => {
        for (let decoded = decoder.next(); decoded; decoded = decoder.next()) {
          const parsed = 'bytes' in decoded ? parseJson(decoded.bytes) : decoded
          if ('value' in parsed && isObject(parsed.value)) {
            const { id, ...answer } = parsed.value
            answered(this.#state, address, id, answer as Answer)
          } else {
            reason = 'it did not answer in frames of JSON'
            socket.destroy()
            break
          }
        }
      })
    })
  }
}
