import { connect, type Socket } from 'node:net'
import { parseAddress } from '../src/address.js'
import { type ClientDoors, ClientShell, type NumberedAnswer } from '../src/client-shell.js'
import { systemClock } from '../src/clock.js'
import {
  type Answer,
  type Command,
  type ErrorCode,
  failure,
  isObject,
  limits,
  type NumberedCommand,
  type Outcome,
} from '../src/contracts.js'
import { encodeFrames, FrameDecoder, parseJson } from '../src/network/framing.js'
import { lookup } from '../src/network/lookup.js'
import { describeTlsError, isTlsError } from '../src/network/tls-errors.js'
import { newestClient } from '../stages/newest-client.js'
import { type CheckedCall, checkCall, checkSettings } from './check-call.js'
import {
  type AnswerTo,
  type AnyCommands,
  type CallFailure,
  type CommandNamed,
  type KeyValueCommands,
  keyValueApplication,
  type MemberList,
  nodeReads,
  type OutcomeOf,
} from './commands-of.js'
import { Holding } from './holding.js'
import { Introduction } from './introduction.js'
import type { CallSettings, ClientSettings, ReadSettings, ScanSettings, Waiting } from './settings.js'
import { TlsDialer } from './tls.js'

export type { Outcome } from '../src/contracts.js'

/** Thrown by a call that was not done. `unknown` means that the command may have been performed, or may still be. */
export class CallError extends Error {
  override readonly name = 'CallError'
  readonly code: CallFailure['code']
  readonly unknown: boolean

  constructor(outcome: { readonly outcome: 'refused' | 'unknown'; readonly error: CallFailure }) {
    super(outcome.error.message)
    this.code = outcome.error.code
    this.unknown = outcome.outcome === 'unknown'
  }
}

/** The connections of a client to its nodes, by their addresses; sockets, unless the nodes are of another engine. */
export interface Wire extends Pick<ClientDoors, 'connect' | 'drop' | 'send'> {
  /** Ends all connections; nothing is heard of them any more. */
  close(): void
}

/** Reports of a wire. */
export interface HeardOfNodes extends Pick<ClientShell, 'connected' | 'disconnected' | 'answered'> {
  /** Reports why a node cannot be talked with, such as a certificate that it does not take. */
  barred(address: string, reason: string): void
}

/** Milliseconds that the look-up of a name and the making of a connection may take together. */
const connectMs = 1_000

/** Codes of calls that no node has answered. */
const unanswered: ReadonlySet<string> = new Set(['unreachable', 'timeout', 'connection_lost'])

function refused(code: ErrorCode, message: string): Outcome {
  return { outcome: 'refused', error: failure(code, message).error }
}

/**
 * A client talks to a cluster: it runs the client rules of the newest stage over real sockets and real time. It works
 * with clusters of any stage. Calls are pipelined, follow the leader, and always end: done, refused or unknown. A
 * client that waits for nothing keeps no process alive.
 *
 * @typeParam M the commands that can be asked
 */
export class Client<M extends object = AnyCommands> {
  readonly #shell: ClientShell
  readonly #holding = new Holding()
  readonly #reads: ReadonlySet<string>
  readonly #sockets = new Map<string, Socket>()
  readonly #outbox = new Map<string, string[]>()
  readonly #token: ClientSettings['token']
  /** The client's introduction at each address; there is none if it has no token. */
  readonly #introductions = new Map<string, Introduction>()
  readonly #tls: TlsDialer | null
  /** The reason for which a node last ended a connection, or was not believed, until one answers. */
  #whyNot: string | null = null
  readonly #wire: Wire

  /**
   * @param wireTo makes the connections to nodes of another engine; sockets to nodes of ours if it is left out
   * @throws ConfigError if no address is given, or a setting or a certificate is not valid; the message says which
   */
  constructor(settings: ClientSettings, wireTo?: (heard: HeardOfNodes) => Wire) {
    const { application = keyValueApplication, token, tls, ...options } = checkSettings(settings)
    this.#token = token
    this.#tls = tls ? new TlsDialer(tls) : null
    const reads = Object.keys(application).filter((name) => application[name] === 'read')
    this.#reads = new Set([...nodeReads, ...reads])
    const commands = Object.fromEntries([...this.#reads].map((name) => [name, { readOnly: true }]))
    this.#shell = new ClientShell(
      { number: 10, client: newestClient, commands, application: { commands: application } },
      options,
      {
        clock: { now: () => systemClock.now(), after: (ms, task) => this.#holding.after(ms, task) },
        connect: (address) => this.#wire.connect(address),
        drop: (address) => this.#wire.drop(address),
        send: (address, message) => this.#wire.send(address, message),
      },
    )
    this.#wire = wireTo?.(this.#heardOfNodes()) ?? {
      connect: (address) => this.#connect(address),
      drop: (address) => this.#sockets.get(address)?.destroy(new Error('nothing was heard of the node')),
      send: (address, message) => this.#send(address, message),
      close: () => this.#sockets.forEach((socket) => void socket.destroy()),
    }
  }

  /** Hears a wire of another engine. */
  #heardOfNodes(): HeardOfNodes {
    return {
      connected: (address) => this.#shell.connected(address),
      disconnected: (address, reason) => this.#shell.disconnected(address, reason),
      answered: (address, answers) => {
        this.#whyNot = null
        this.#shell.answered(address, answers)
      },
      barred: (address, reason) => {
        this.#whyNot = `${address}: ${reason}`
      },
    }
  }

  /**
   * Sends a command, and resolves with its outcome; never rejects and never throws. A command that cannot be sent is
   * refused.
   */
  call<N extends keyof M & string>(command: CommandNamed<M, N>, settings: CallSettings = {}): Promise<OutcomeOf<M, N>> {
    return this.#call(command, settings) as Promise<OutcomeOf<M, N>>
  }

  async #call(command: unknown, settings: CallSettings): Promise<Outcome> {
    if (this.#shell.isClosed) return refused('shutting_down', 'this client is closed')
    const checked = checkCall(command, settings)
    if ('problem' in checked) return refused(checked.code, checked.problem)
    if (checked.signal?.aborted) return refused('aborted', 'the signal was aborted before anything was asked')
    const end = this.#holding.wait()
    try {
      return this.#explained(await this.#settled(checked))
    } finally {
      end()
    }
  }

  /** Adds the last reason of a node to the outcome of a call that has no answer. */
  #explained(outcome: Outcome): Outcome {
    if (outcome.outcome === 'done' || this.#whyNot === null || !unanswered.has(outcome.error.code)) return outcome
    return { ...outcome, error: { ...outcome.error, message: `${outcome.error.message} (${this.#whyNot})` } }
  }

  /** Waits for the outcome of a call, or for the end of the waiting. */
  #settled({ command, signal, ...options }: Exclude<CheckedCall, { problem: string }>): Promise<Outcome> {
    return new Promise((resolve) => {
      const leave = () => resolve(this.#left(command))
      signal?.addEventListener('abort', leave, { once: true })
      this.#shell.call(command, options, (outcome) => {
        signal?.removeEventListener('abort', leave)
        resolve(outcome)
      })
    })
  }

  /** The outcome of a call for which nobody waits any more. */
  #left({ command }: Command): Outcome {
    const definite = this.#reads.has(command)
    const { error } = failure('left', 'the signal was aborted, and nobody waits any more', { definite })
    return { outcome: definite ? 'refused' : 'unknown', error }
  }

  /** Sends a command. @throws CallError unless the call is done */
  async #do<N extends keyof KeyValueCommands>(
    command: CommandNamed<KeyValueCommands, N>,
    { signal }: Waiting = {},
  ): Promise<AnswerTo<KeyValueCommands, N>> {
    const outcome = await this.#call(command, { signal })
    if (outcome.outcome !== 'done') throw new CallError(outcome)
    return outcome.answer as unknown as AnswerTo<KeyValueCommands, N>
  }

  /** Reads the value of a key; null if the key is absent. Settings are for stage 9 and later. @throws CallError */
  async get(key: string, { consistency, atLeast, signal }: ReadSettings = {}): Promise<string | null> {
    return (await this.#do({ command: 'get', key, consistency, atLeast }, { signal })).value
  }

  /** Sets the value of a key. @throws CallError */
  async set(key: string, value: string, waiting?: Waiting): Promise<void> {
    await this.#do({ command: 'set', key, value }, waiting)
  }

  /** Deletes a key. @returns whether the key existed @throws CallError */
  async delete(key: string, waiting?: Waiting): Promise<boolean> {
    return (await this.#do({ command: 'delete', key }, waiting)).existed
  }

  /** Appends to the value of a key. @returns the length of the grown value in UTF-16 units @throws CallError */
  async append(key: string, value: string, waiting?: Waiting): Promise<number> {
    return (await this.#do({ command: 'append', key, value }, waiting)).length
  }

  /**
   * Compares and sets: if the key holds `expected` (null: is absent), it then holds `value`. @returns whether it was
   * set
   *
   * @throws CallError
   */
  async cas(key: string, expected: string | null, value: string, { signal }: Waiting = {}): Promise<boolean> {
    const outcome = await this.#call({ command: 'cas', key, expected, value }, { signal })
    if (outcome.outcome === 'done') return true
    if (outcome.error.code === 'cas_mismatch') return false
    throw new CallError(outcome)
  }

  /**
   * Reads the entries whose keys have a prefix, in key order, page by page. All of them are of one moment: the one at
   * which the first page was read.
   *
   * @throws CallError, and of the code `compacted` if the node that gave the first page does not keep its moment any
   * more, or if another node is asked meanwhile: the scan must begin again
   */
  async *scan(
    prefix = '',
    { pageKeys = limits.usualScanKeys, signal }: ScanSettings = {},
  ): AsyncGenerator<readonly [key: string, value: string], void> {
    for (let next: { prefix?: string; page?: string } | null = { prefix }; next !== null; ) {
      const command = { command: 'scan', limit: pageKeys, ...next } as const
      const answer: AnswerTo<KeyValueCommands, 'scan'> = await this.#do<'scan'>(command, { signal })
      yield* answer.entries
      next = answer.page === undefined ? null : { page: answer.page }
    }
  }

  /** Reads who belongs to the cluster, and who leads it (stage 8 on). @throws CallError */
  async members(waiting?: Waiting): Promise<MemberList> {
    const { members, leader } = await this.#do({ command: 'members' }, waiting)
    return { members, leader }
  }

  /** Closes every connection. Calls under way end: unknown if they were sent, refused if not. */
  close(): void {
    this.#wire.close()
    this.#shell.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
  }

  #send(address: string, message: NumberedCommand): void {
    const introduction = this.#token === undefined ? undefined : this.#introductions.get(address)
    const answer = introduction?.refusal
    if (!answer) return this.#write(address, JSON.stringify(message))
    // Later than the next tick: a program that asks again and again must not keep its own sockets from being read.
    setImmediate(() => {
      // A connection that has ended meanwhile was reported, and its calls have gone elsewhere.
      if (this.#introductions.get(address) === introduction) this.#shell.answered(address, [{ id: message.id, answer }])
    })
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

  /** Notes why a node ends a connection: it says so in an answer to no request. */
  #heard(address: string, answers: readonly NumberedAnswer[]): void {
    this.#whyNot = null
    for (const { id, answer } of answers)
      if (id === undefined && !answer.ok) this.#whyNot = `${address}: ${answer.error.message}`
  }

  #connect(address: string): void {
    const where = parseAddress(address)
    if (!where) return this.#shell.disconnected(address, 'not an address')
    const socket = this.#tls?.call(where) ?? connect({ ...where, noDelay: true, lookup })
    const decoder = new FrameDecoder()
    let reason = 'closed by the node'
    this.#sockets.set(address, socket)
    const forget = this.#holding.add(socket)
    const stopPatience = this.#holding.after(connectMs, () => socket.destroy(new Error(`no answer in ${connectMs} ms`)))
    const introduction = this.#introduction(address, socket)
    socket.on(this.#tls ? 'secureConnect' : 'connect', () => {
      stopPatience()
      if (introduction) void introduction.begin()
      else this.#shell.connected(address)
    })
    socket.on('error', (error) => {
      reason = error.message
      if (!isTlsError(error)) return
      reason = describeTlsError(error)
      this.#whyNot = `${address}: ${reason}`
    })
    socket.on('close', () => {
      stopPatience()
      forget()
      introduction?.over()
      this.#introductions.delete(address)
      this.#sockets.delete(address)
      this.#shell.disconnected(address, reason)
    })
    socket.on('data', (chunk) => {
      decoder.push(chunk as Buffer)
      const { answers, isSpoilt } = answersIn(decoder)
      const others = introduction?.heard(answers) ?? answers
      this.#heard(address, others)
      this.#shell.answered(address, others)
      if (!isSpoilt) return
      reason = 'it did not answer in frames of JSON'
      socket.destroy()
    })
  }

  /** Prepares to show the token on a connection that is about to be made; undefined if there is none to show. */
  #introduction(address: string, socket: Socket): Introduction | undefined {
    if (this.#token === undefined) return undefined
    const introduction = new Introduction(this.#token, {
      write: (request) => this.#sockets.get(address) === socket && this.#write(address, request),
      after: (ms, task) => this.#holding.after(ms, task),
      ready: () => this.#shell.connected(address),
      end: (reason) => socket.destroy(new Error(reason)),
    })
    this.#introductions.set(address, introduction)
    return introduction
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
