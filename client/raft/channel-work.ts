import { ReadableStream, type ReadableStreamDefaultController, WritableStream } from 'node:stream/web'
import { type Entry, type EntryId, isPositive, payloadOf } from '../../src/contracts.js'
import type { Channel, ChannelRequest, ChannelResponse, RequestName } from './channel.js'
import { type Encoding, requestIn } from './encoding.js'
import type { ReadableLog } from './entries.js'
import { RaftError } from './errors.js'
import type { Committed } from './machine.js'

/** The parts of a node that a channel needs. */
export interface ChannelParts<C> {
  /** A name that no other channel has. */
  readonly name: string
  readonly encoding: Encoding<C>
  /** The log; a signal ends the waiting for what is to come. */
  readonly log: (signal: AbortSignal) => ReadableLog
  /** The first index that the channel tells; what is committed from now on if it is left out. */
  readonly from: number | undefined
  /** Puts an entry into the log. @throws RaftError */
  append(value: unknown, guard: Guard, deadlineMs: number | undefined): Promise<EntryId>
}

interface Guard {
  readonly prevLogIndex?: number
  readonly prevLogTerm?: number
}

/** Responses that wait for their reader before the log is read on. */
const responsesAhead = 16
/** Requests under way at once. */
const requestsAtOnce = 64
/** Entries that are taken from the log at once, to be told one after another. */
const entriesAtOnce = 64
/** Entries of the log in one answer to a range. */
const rangeEntries = 1_000
/** Requests of unknown outcome that are remembered: their entries may still come. */
const unknownAtOnce = 1_024

/** Opens a channel. */
export function openChannel<C>(parts: ChannelParts<C>): Channel<C> {
  const work = new ChannelWork(parts)
  const responses = new ReadableStream<ChannelResponse<C>>(
    { start: (controller) => work.begin(controller), pull: () => work.wake(), cancel: () => work.stop() },
    { highWaterMark: responsesAhead },
  )
  const requests = new WritableStream<ChannelRequest<C>>({
    write: (request) => work.take(request),
    close: () => work.drain(),
    abort: () => work.stop(),
  })
  return { requests, responses }
}

type AppendRequest<C> = Extract<ChannelRequest<C>, { type: 'AppendEntries' }>

/** An append whose entries have not been told so far. */
interface Pending<C> {
  readonly request: AppendRequest<C>
  /** The place of its entry, once it is known to be committed. */
  place: EntryId | null
}

class ChannelWork<C> {
  readonly #parts: ChannelParts<C>
  readonly #log: ReadableLog
  readonly #ending = new AbortController()
  #controller!: ReadableStreamDefaultController<ChannelResponse<C>>
  #isOver = false
  /** Appends by their numbers. */
  readonly #pending = new Map<number, Pending<C>>()
  /** The names of appends that may still come. */
  readonly #unknown = new Map<number, RequestName>()
  #underWay = 0
  #requests = 0
  /** The next index to be told. */
  #next: number
  #sleepers: (() => void)[] = []

  constructor(parts: ChannelParts<C>) {
    this.#parts = parts
    this.#log = parts.log(this.#ending.signal)
    this.#next = parts.from ?? this.#log.commit + 1
  }

  begin(controller: ReadableStreamDefaultController<ChannelResponse<C>>): void {
    this.#controller = controller
    this.#follow().catch((error: unknown) => this.#nodeHasEnded(error))
  }

  /** Wakes up all that wait for room, or for requests to end. */
  wake(): void {
    for (const go of this.#sleepers.splice(0)) go()
  }

  stop(): void {
    this.#isOver = true
    this.#ending.abort()
    this.wake()
  }

  /** Takes a request as soon as there is room for its response. */
  async take(request: ChannelRequest<C>): Promise<void> {
    await this.#until(() => this.#hasRoom && this.#underWay < requestsAtOnce)
    if (this.#isOver) throw new RaftError('closed', 'the channel has ended')
    if (request.type === 'IndexRange') this.#tellRange(request)
    else if (request.type === 'AppendEntries') void this.#append(request)
    else this.#reject((request as { id: RequestName }).id, new RaftError('bad_command', 'no such type of request'))
  }

  /** Ends the channel when all requests are answered. */
  async drain(): Promise<void> {
    await this.#until(() => this.#underWay === 0 && this.#pending.size === 0)
    if (this.#isOver) return
    this.stop()
    this.#controller.close()
  }

  get #hasRoom(): boolean {
    return (this.#controller.desiredSize ?? 0) > 0
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!this.#isOver && !condition()) await new Promise<void>((go) => this.#sleepers.push(go))
  }

  /** The node is closed, or has failed: every request under way has heard of it. */
  async #nodeHasEnded(error: unknown): Promise<void> {
    await this.#until(() => this.#underWay === 0)
    if (this.#isOver) return
    for (const { request, place } of this.#pending.values()) if (place) this.#acceptRequest(request, place)
    this.stop()
    if (error instanceof RaftError && error.cause === undefined) this.#controller.close()
    else this.#controller.error(error)
  }

  #tell(response: ChannelResponse<C>): void {
    if (!this.#isOver) this.#controller.enqueue(response)
  }

  #reject(id: RequestName | null, { code, message: reason, leader, last }: RaftError): void {
    this.#tell({ id, type: 'Rejected', reason, code, ...(leader && { leader }), ...(last && { last }) })
  }

  /** Tells what is committed, in the order of the log, at the pace of the reader. */
  async #follow(): Promise<void> {
    for (;;) {
      if (this.#next < this.#log.first) this.#skip(this.#log.first)
      if (this.#next > this.#log.commit) await this.#log.more()
      for (const entry of this.#log.entries(this.#next, Math.min(this.#log.commit, this.#next + entriesAtOnce - 1))) {
        await this.#until(() => this.#hasRoom)
        if (this.#isOver) return
        this.#tellEntry(entry)
      }
    }
  }

  #skip(first: number): void {
    const reason = `commands before entry ${first} are in a snapshot only, and were not told`
    this.#reject(null, new RaftError('compacted', reason))
    this.#next = first
  }

  #tellEntry(entry: Entry): void {
    this.#next = entry.index + 1
    const payload = payloadOf(entry)
    if (payload.kind !== 'command') return
    const [channel, number] = requestIn(payload.command) ?? []
    const id = channel === this.#parts.name && number !== undefined ? this.#nameOf(number) : null
    this.#accept(id, this.#commandsOf(entry), entry)
    if (id !== null) this.wake()
  }

  /** The name of the program's own request, which is answered now. */
  #nameOf(number: number): RequestName | null {
    const id = this.#pending.get(number)?.request.id ?? this.#unknown.get(number) ?? null
    this.#pending.delete(number)
    this.#unknown.delete(number)
    return id
  }

  #commandsOf(entry: Entry): Committed<C>[] {
    const { index, term } = entry
    const payload = payloadOf(entry)
    if (payload.kind !== 'command') return []
    return this.#parts.encoding.decoded(payload.command).map((command) => ({ index, term, command }))
  }

  #accept(id: RequestName | null, entries: readonly Committed<C>[], last: { index: number; term: number }): void {
    this.#tell({ id, type: 'Accepted', entries, lastIndex: last.index, lastTerm: last.term })
  }

  #tellRange({ id, startIndex, endIndex }: Extract<ChannelRequest<C>, { type: 'IndexRange' }>): void {
    const log = this.#log
    if (!isPositive(startIndex) || !isPositive(endIndex) || endIndex < startIndex) {
      return this.#reject(id, new RaftError('bad_command', 'a range goes from an index to the same or a later one'))
    }
    if (startIndex < log.first) {
      const reason = `entry ${startIndex} is in a snapshot; the log begins with entry ${log.first}`
      return this.#reject(id, new RaftError('compacted', reason))
    }
    const entries = log.entries(startIndex, Math.min(endIndex, log.commit, startIndex + rangeEntries - 1))
    const last = entries.at(-1) ?? log.end
    this.#accept(
      id,
      entries.flatMap((entry) => this.#commandsOf(entry)),
      last,
    )
  }

  async #append(request: AppendRequest<C>): Promise<void> {
    const { prevLogIndex, prevLogTerm, deadlineMs } = request
    const number = ++this.#requests
    this.#pending.set(number, { request, place: null })
    this.#underWay++
    try {
      const value = this.#parts.encoding.batch(request.entries, [this.#parts.name, number])
      const index = prevLogIndex !== undefined && { prevLogIndex }
      const term = prevLogTerm !== undefined && { prevLogTerm }
      this.#wasAppended(number, await this.#parts.append(value, { ...index, ...term }, deadlineMs))
    } catch (thrown) {
      this.#wasNot(number, thrown instanceof RaftError ? thrown : new RaftError('bad_command', String(thrown)))
    }
    this.#underWay--
    this.wake()
  }

  /** The entry is told in its turn; unless its turn is over, because only a snapshot brought it to this node. */
  #wasAppended(number: number, place: EntryId): void {
    const pending = this.#pending.get(number)
    if (!pending) return
    pending.place = place
    if (place.index >= this.#next) return
    this.#pending.delete(number)
    this.#acceptRequest(pending.request, place)
  }

  #acceptRequest({ id, entries }: AppendRequest<C>, { index, term }: EntryId): void {
    const committed = entries.map((command) => ({ index, term, command }))
    this.#accept(id, committed, { index, term })
  }

  #wasNot(number: number, error: RaftError): void {
    const id = this.#pending.get(number)?.request.id
    if (id === undefined) return
    this.#pending.delete(number)
    if (error.outcome === 'refused') return this.#reject(id, error)
    this.#unknown.set(number, id)
    for (const oldest of this.#unknown.keys()) if (this.#unknown.size > unknownAtOnce) this.#unknown.delete(oldest)
    this.#tell({ id, type: 'Unknown', reason: error.message, code: error.code })
  }
}
