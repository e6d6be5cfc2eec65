import { ok } from 'node:assert/strict'
import type {
  Apply,
  Command,
  Core,
  Effects,
  Entry,
  EntryId,
  Message,
  NodeId,
  Persist,
  Recovered,
  Reply,
  Status,
  Term,
} from '../../src/contracts.js'
import { makeEntry, nothingRecovered } from '../../src/contracts.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import type { Stage } from '../../src/stage.js'
import { type LogContents, Records } from '../../src/storage/recover.js'
import { five, nodeOptions } from './core.js'

/** A message with fields that are only known by its type. */
export type AnyMessage = Message & { readonly [field: string]: unknown }

/** The fields that a message must have to be meant. */
type Selection = Readonly<Record<string, unknown>>

/** How far a node is, as a script gives it. */
export interface Past {
  /** The terms of the entries of its log: `[1, 1, 2]`. */
  readonly log?: readonly Term[]
  /** The term it is in; that of its last entry unless given. */
  readonly term?: Term
  readonly votedFor?: NodeId | null
}

/** What a disk is at work on, and what leaves when it is done. */
interface Write {
  readonly persist: Persist
  readonly messages: readonly Message[]
}

interface Hand {
  core: Core
  readonly disk: Records
  /** One at a time, unless the script itself calls a write done. */
  underWay: Write[]
  isSlow: boolean
  applied: Apply[]
  replies: Reply[]
}

/** Small numbers, so that a script can count: an election after 15 ticks, since chance is always one half. */
export const timing = {
  tickMs: 10,
  requestTimeoutTicks: 60,
  heartbeatTicks: 3,
  electionTicks: 10,
  appendBytes: 1024 * 1024,
  snapshotEntries: 5,
  snapshotBytes: 1024 * 1024,
  chunkBytes: 64,
}
export const patienceTicks = 15

/** The entry of hand-made logs: as log matching wants it, index and term decide what it holds. */
export function entryOf(index: number, term: Term): Entry {
  return makeEntry(index, term, { command: 'set', key: 'k', value: `${index}.${term}` })
}

export function entriesOf(terms: readonly Term[], before = 0): Entry[] {
  return terms.map((term, at) => entryOf(before + at + 1, term))
}

function recoveredOf({ log = [], term = log.at(-1) ?? 0, votedFor = null }: Past): Recovered {
  return { ...nothingRecovered, term, votedFor, entries: entriesOf(log) }
}

function isMeant(message: Message, selection: Selection): boolean {
  return Object.entries(selection).every(([field, value]) => (message as AnyMessage)[field] === value)
}

/**
 * Five cores run by hand, without time or chance: the script says which message arrives and which is lost, when a disk
 * has caught up, and who crashes. Disks are at once ready unless {@link slow} was called for them. What travels passes
 * through the stage's codec, so that a message its own stage would refuse shows.
 */
export class Cores {
  readonly ids: readonly NodeId[]
  /** Sent, and neither delivered nor lost so far. */
  air: AnyMessage[] = []
  /** Everything that arrived, in order. */
  readonly heard: AnyMessage[] = []
  readonly #stage: Stage
  readonly #appendBytes: number
  readonly #hands = new Map<NodeId, Hand>()
  #requests = 0

  constructor(stage: Stage, pasts: Readonly<Record<NodeId, Past>> = {}, appendBytes = timing.appendBytes) {
    this.#stage = stage
    this.#appendBytes = appendBytes
    this.ids = five.map(({ id }) => id)
    for (const id of this.ids) {
      const { term, votedFor, entries } = recoveredOf(pasts[id] ?? {})
      const disk = new Records()
      disk.add([{ record: 'term', term, votedFor }, ...entries.map((entry) => ({ record: 'entry', entry }) as const)])
      this.#hands.set(id, {
        core: this.#newCore(id, disk),
        disk,
        underWay: [],
        isSlow: false,
        applied: [],
        replies: [],
      })
      this.#collect(id)
    }
  }

  status(id: NodeId): Status {
    return this.#hand(id).core.status
  }

  /** The terms of a node's log. */
  log(id: NodeId): Term[] {
    return this.#hand(id)
      .core.entries(1)
      .map(({ term }) => term)
  }

  /** What would be there after a loss of power. */
  onDisk(id: NodeId): LogContents {
    return this.#hand(id).disk.contents()
  }

  /** The indexes that a node handed to its state machine, in order, in this life. */
  applied(id: NodeId): number[] {
    return this.#hand(id).applied.map(({ index }) => index)
  }

  /** Which requests of clients a node's state machine has performed. */
  performed(id: NodeId): number[] {
    return this.#hand(id).applied.flatMap(({ request }) => (request === null ? [] : [request]))
  }

  replies(id: NodeId): readonly Reply[] {
    return this.#hand(id).replies
  }

  tick(id: NodeId, times = 1): void {
    for (let tick = 0; tick < times; tick++) {
      this.#hand(id).core.tick()
      this.#collect(id)
    }
  }

  /** @returns the request's number */
  request(id: NodeId, command: Command = { command: 'set', key: 'k', value: 'v' }): number {
    const request = ++this.#requests
    this.#hand(id).core.request({ id: request, command })
    this.#collect(id)
    return request
  }

  /** A message that the script made up. */
  receive(message: AnyMessage): void {
    this.heard.push(message)
    this.#hand(message.to).core.receive(message)
    this.#collect(message.to)
  }

  /** Takes these messages out of the air. */
  take(selection: Selection = {}): AnyMessage[] {
    const taken = this.air.filter((message) => isMeant(message, selection))
    this.air = this.air.filter((message) => !isMeant(message, selection))
    return taken
  }

  /** These messages arrive; what comes of them is in the air then. @returns them */
  deliver(selection: Selection = {}): AnyMessage[] {
    const taken = this.take(selection)
    for (const message of taken) this.receive(message)
    return taken
  }

  /** Messages go to and fro until nothing is left to say; between others than these they are lost. @returns how many */
  run(among: readonly NodeId[] = this.ids): number {
    let delivered = 0
    while (this.air.length > 0) {
      const [message] = this.air.splice(0, 1) as [AnyMessage]
      if (!among.includes(message.from) || !among.includes(message.to)) continue
      this.receive(message)
      ok(++delivered < 10_000, 'the messages come to an end')
    }
    return delivered
  }

  /** The election timer of a node runs out, and it asks for votes; where nobody is elected, its office begins with it. */
  stand(id: NodeId): void {
    for (let tick = 0; tick < 2 * timing.electionTicks && this.status(id).role === 'follower'; tick++) this.tick(id)
  }

  /** Makes a node the leader, with the votes of these. */
  elect(id: NodeId, among: readonly NodeId[] = this.ids): void {
    this.stand(id)
    this.run(among)
    ok(this.status(id).role === 'leader', `${id} leads`)
  }

  /** From here on the disk is busy until {@link sync}. */
  slow(id: NodeId): void {
    this.#hand(id).isSlow = true
  }

  /** The disk catches up with everything decided so far. */
  sync(id: NodeId): void {
    const hand = this.#hand(id)
    for (let write = hand.underWay.shift(); write; write = hand.underWay.shift()) {
      const { persist, messages } = write
      hand.disk.add(persist.records)
      hand.core.durable(persist.upTo)
      this.#send(messages)
      this.#take(id)
    }
  }

  /** The core hears that its disk has caught up to an entry. */
  durable(id: NodeId, upTo: EntryId): void {
    this.#hand(id).core.durable(upTo)
    this.#collect(id)
  }

  /** Ends a node and starts it again with what its disk has; of the write under way so many records are kept. */
  crash(id: NodeId, keptRecords = 0): void {
    const hand = this.#hand(id)
    hand.disk.add(hand.underWay.flatMap(({ persist }) => persist.records).slice(0, keptRecords))
    Object.assign(hand, { core: this.#newCore(id, hand.disk), underWay: [], applied: [], replies: [] })
    this.#collect(id)
  }

  /** How many records a node's disk is at work on. */
  unsynced(id: NodeId): number {
    return this.#hand(id).underWay.flatMap(({ persist }) => persist.records).length
  }

  #newCore(id: NodeId, disk: Records): Core {
    const options = nodeOptions(id, five, { ...disk.contents(), snapshots: [], incarnation: id })
    return this.#stage.create({ ...options, timing: { ...timing, appendBytes: this.#appendBytes } })
  }

  #hand(id: NodeId): Hand {
    return this.#hands.get(id)!
  }

  #collect(id: NodeId): void {
    this.#take(id)
    if (!this.#hand(id).isSlow) this.sync(id)
  }

  #take(id: NodeId): void {
    const hand = this.#hand(id)
    const effects = hand.core.take()
    this.#send(effects.send)
    hand.replies.push(...effects.replies)
    this.#apply(hand, effects)
    const { persist, sendWhenDurable: messages } = effects
    if (persist) hand.underWay.push({ persist, messages })
    else this.#send(messages)
  }

  #apply(hand: Hand, { apply }: Effects): void {
    hand.applied.push(...apply)
    const last = apply.at(-1)
    if (last) hand.core.applied(last.index)
  }

  #send(messages: readonly Message[]): void {
    const codec = jsonCodec(this.#stage)
    for (const message of messages) this.air.push(codec.decode(codec.encode(message)) as AnyMessage)
  }
}
