import { ok } from 'node:assert/strict'
import type {
  Answer,
  Chunk,
  Command,
  EntryId,
  Foreigner,
  Identity,
  Member,
  Message,
  NodeId,
  Piece,
  Reply,
  Snapshot,
  Status,
  Term,
  Timing,
} from '../../src/contracts.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import type { Stage } from '../../src/stage.js'
import { type LogContents, Records } from '../../src/storage/recover.js'
import { always, nodeOptions } from './core.js'
import { type Acts, type AnyMessage, type Hand, isMeant, type Selection } from './hand.js'
import type { Happened } from './happened.js'
import { noActs, perform, restored, standStill } from './machine.js'
import { emptySnapshot, olderCopy, type Past, relive, theFive, type World, withMembers } from './past.js'
import { SnapshotFiles } from './snapshot-files.js'
import { timing } from './timing.js'
import { welcome } from './welcome.js'

export type { AnyMessage } from './hand.js'
export { entriesOf, entryOf, type Held, type Past, stateUpTo } from './past.js'
export { electionTimeoutTicks, timing } from './timing.js'

/**
 * Five cores, or others, run by hand, without time or chance: the script says which message arrives and which is lost, when a disk
 * has caught up, and who crashes. Disks are at once ready unless {@link slow} was called for them; snapshots are written
 * when {@link save} is called. What travels passes through the stage's codec, so that a message its own stage would
 * refuse shows.
 */
export class Cores {
  readonly ids: readonly NodeId[]
  /** Sent, and neither delivered nor lost so far. */
  air: AnyMessage[] = []
  /** Everything that arrived, in order. */
  readonly heard: AnyMessage[] = []
  /** What nodes reported, in order. */
  readonly told: (Happened & { readonly node: NodeId })[] = []
  /** The number that chance draws from here on, for nodes that start: with one half, elections take 15 ticks. */
  chance = 0.5
  readonly #stage: Stage
  readonly #timing: Timing
  readonly #world: World
  readonly #hands = new Map<NodeId, Hand>()
  readonly features: Map<NodeId, readonly string[]>
  #requests = 0
  clockMs = 0

  /** @param limits other ones than {@link timing} has */
  constructor(
    stage: Stage,
    pasts: Readonly<Record<NodeId, Past>> = {},
    limits: Partial<Timing> = {},
    world: World = theFive,
  ) {
    this.#stage = stage
    this.#timing = { ...timing, ...limits }
    this.#world = world
    this.features = new Map(Object.entries(world.features ?? {}))
    this.ids = world.nodes.map(({ id }) => id)
    for (const id of this.ids) {
      const place = { disk: new Records(), files: new SnapshotFiles(), incarnation: 1 }
      relive(pasts[id] ?? {}, place.disk, place.files)
      this.#hands.set(id, { ...place, isSlow: false, isHolding: false, stalled: null, ...this.#life(id, place) })
      this.#collect(id)
    }
  }

  status(id: NodeId): Status {
    return this.#hand(id).core.status
  }

  log(id: NodeId): Term[] {
    const { core } = this.#hand(id)
    return core.entries(1).map(({ term }) => term)
  }

  onDisk(id: NodeId): LogContents {
    return this.#hand(id).disk.contents()
  }

  /** The indexes that a node handed to its state machine, in order, in this life. */
  applied(id: NodeId): number[] {
    return this.#hand(id).applied.map(({ index }) => index)
  }

  performed(id: NodeId): number[] {
    return this.#hand(id).applied.flatMap(({ request }) => (request === null ? [] : [request]))
  }

  /** The names of all entries whose effect a node's state machine holds, in order. */
  state = (id: NodeId): readonly string[] => this.#hand(id).state

  /** The acts of a node's state machine, and of the rules before it, in this life. */
  acts(id: NodeId): Readonly<Acts> {
    return this.#hand(id).acts
  }

  /** Up to which entries the snapshots went that a node's state machine was given, in this life. */
  restored(id: NodeId): readonly number[] {
    return this.#hand(id).restored
  }

  replies(id: NodeId): readonly Reply[] {
    return this.#hand(id).replies
  }

  events(id: NodeId): readonly Happened[] {
    return this.told.filter(({ node }) => node === id)
  }

  /** Null while the request waits. */
  answer(id: NodeId, request: number): Answer | null {
    return this.replies(id).find((reply) => reply.request === request)?.answer ?? null
  }

  connected(id: NodeId): readonly Member[] | null {
    return this.#hand(id).connected
  }

  tick(id: NodeId, times = 1): void {
    for (let tick = 0; tick < times; tick++) {
      this.#hand(id).core.tick()
      this.#collect(id)
    }
  }

  /** @param envelope the fields beside the command @returns the request's number */
  request(id: NodeId, command: Command = { command: 'set', key: 'k', value: 'v' }, envelope?: Selection): number {
    const request = ++this.#requests
    this.#hand(id).core.request({ id: request, command, ...(envelope && { envelope }) })
    this.#collect(id)
    return request
  }

  /** The network has met a node that is not heard beside this one. */
  meet(id: NodeId, foreigner: Foreigner): void {
    this.#hand(id).core.foreign(foreigner)
    this.#collect(id)
  }

  /** A node's hello reaches another one, and says which features it knows; null where its connection has ended. */
  greet(from: NodeId, to: NodeId, features: readonly string[] | null = this.features.get(from) ?? []): void {
    this.#hand(to).core.greeted({ id: from, incarnation: this.identity(from)?.incarnation ?? '', features })
    this.#collect(to)
  }

  /** A message that the script made up: of the disk that its sender had first, unless it says otherwise. */
  receive(message: AnyMessage): void {
    const identity = this.identity(message.to)
    this.heard.push(message)
    this.#hand(message.to).core.receive(identity ? { ...identity, incarnation: message.from, ...message } : message)
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
    for (let tick = 0; tick < 2 * timing.electionTicks && this.status(id).role === 'follower'; tick++)
      this.leaveAlone(id)
  }

  /** Time passes for a node that hears nobody; if it asks whether others would elect it, they say yes. */
  leaveAlone(id: NodeId, ticks = 1): void {
    for (let tick = 0; tick < ticks; tick++) {
      this.tick(id)
      welcome(this, id)
    }
  }

  /** The disk that a node has now, and its cluster, as its messages bear them. */
  identity = (id: NodeId): Identity | null => this.#hands.get(id)?.core.identity ?? null

  /**
   * Where a leader that is heard is stood by, nobody votes before it has been silent for a while; which is not so long
   * that they stand themselves.
   */
  bearSilence(ids: readonly NodeId[]): void {
    if (this.#stage.members === 'fixed') return
    for (const id of ids) {
      const { role, leader } = this.status(id)
      if (role === 'follower' && leader !== null) this.tick(id, timing.electionTicks)
    }
  }

  /** Makes a node the leader, with the votes of these. */
  elect(id: NodeId, among: readonly NodeId[] = this.ids): void {
    this.stand(id)
    this.bearSilence(among)
    this.run(among)
    ok(this.status(id).role === 'leader', `${id} leads`)
  }

  /** From here on the state machine stands still; or goes on, with all that has come meanwhile. */
  stall(id: NodeId, isStill = true): void {
    standStill(this.#hand(id), isStill)
    this.#collect(id)
  }

  /** From here on the disk is busy until {@link sync}. */
  slow(id: NodeId): void {
    this.#hand(id).isSlow = true
  }

  sync(id: NodeId): void {
    const hand = this.#hand(id)
    for (let write = hand.underWay.shift(); write; write = hand.underWay.shift()) {
      const { persist, messages } = write
      hand.disk.add(persist.records, persist.commit)
      hand.files.keepFrom(hand.disk.snapshots)
      hand.core.durable(persist.upTo)
      this.#send(messages)
      this.#take(id)
    }
  }

  /** From here on the disk is at once ready again. */
  quick(id: NodeId): void {
    this.#hand(id).isSlow = false
    this.sync(id)
  }

  durable(id: NodeId, upTo: EntryId): void {
    this.#hand(id).core.durable(upTo)
    this.#collect(id)
  }

  /** Ends a node and starts it again with what its disk has; of the write under way so many records are kept. */
  crash(id: NodeId, keptRecords = 0): void {
    const hand = this.#hand(id)
    hand.disk.add(hand.underWay.flatMap(({ persist }) => persist.records).slice(0, keptRecords))
    Object.assign(hand, this.#life(id, hand))
    this.#collect(id)
  }

  /** Ends a node and starts it again with a new disk in place of the old. */
  wipe(id: NodeId): void {
    const hand = this.#hand(id)
    Object.assign(hand, { disk: new Records(), files: new SnapshotFiles(), incarnation: hand.incarnation + 1 })
    Object.assign(hand, this.#life(id, hand))
    this.#collect(id)
  }

  /** Ends a node, and starts it again over an older copy of its folder: from this index on, its log is gone. */
  forget(id: NodeId, from: number): void {
    const hand = this.#hand(id)
    hand.disk = olderCopy(hand.disk, from)
    this.crash(id)
  }

  unsynced(id: NodeId): number {
    return this.#hand(id).underWay.flatMap(({ persist }) => persist.records).length
  }

  /** The last entry that the snapshot will hold which a node is writing. */
  saving(id: NodeId): EntryId | null {
    const { save } = this.#hand(id)
    return save && { index: save.header.index, term: save.header.term }
  }

  /** The snapshot that a node is writing is on disk under its name. */
  save(id: NodeId): void {
    const hand = this.#hand(id)
    ok(hand.save, `${id} writes a snapshot`)
    const { header, lines } = hand.save
    const { index, term, configurationIndex, features } = header
    const bare = features === undefined ? { index, term } : { index, term, features }
    hand.save = null
    const snapshot = hand.files.save(configurationIndex ? header : bare, lines)
    hand.core.saved(this.#withMembers(snapshot))
    this.#collect(id)
  }

  /** There is no room for the snapshot that a node is writing, and the pause after that is over. */
  giveUp(id: NodeId): void {
    const hand = this.#hand(id)
    ok(hand.save, `${id} writes a snapshot`)
    hand.save = null
    hand.core.saved(null)
    this.#collect(id)
  }

  refuse(id: NodeId): void {
    const hand = this.#hand(id)
    for (let chunk = hand.chunks.shift(); chunk; chunk = hand.chunks.shift()) {
      hand.core.held({ chunk, bytes: null })
      this.#collect(id)
    }
  }

  /** The newest snapshot that a node's disk has. */
  snapshot(id: NodeId): Snapshot | undefined {
    const { files, disk } = this.#hand(id)
    return files.known(disk.snapshots)[0]
  }

  files(id: NodeId): readonly number[] {
    return this.#hand(id).files.indexes
  }

  hold(id: NodeId): void {
    this.#hand(id).isHolding = true
  }

  keep(id: NodeId): void {
    const hand = this.#hand(id)
    for (let chunk = hand.chunks.shift(); chunk; chunk = hand.chunks.shift()) {
      const { held, snapshot } = hand.files.receive(chunk)
      if (snapshot) hand.core.saved(this.#withMembers(snapshot))
      hand.core.held({ chunk, bytes: held })
      this.#collect(id)
    }
  }

  /** What a node has when it starts with what its disk holds. */
  #life(id: NodeId, { disk, files, incarnation }: Pick<Hand, 'disk' | 'files' | 'incarnation'>) {
    const contents = disk.contents()
    const snapshots = files.known(contents.snapshots)
    const { nodes, members, founders } = this.#world
    const isMember = members.some((member) => member.id === id)
    const known = snapshots.length === 0 && isMember ? [emptySnapshot] : snapshots
    const recovered = {
      ...contents,
      snapshots: this.#stage.members === 'fixed' ? snapshots : known.map((one) => this.#withMembers(one)),
      incarnation: incarnation === 1 ? id : `${id} disk ${incarnation}`,
    }
    const bootstrap = founders[0]?.id === id
    const others = isMember ? members : bootstrap ? founders : nodes.filter((node) => node.id === id)
    const given = {
      bootstrap,
      features: this.features.get(id) ?? [],
      timing: this.#timing,
      random: always(this.chance),
    }
    const machineClock = { now: () => this.clockMs }
    const core = this.#stage.create({ ...nodeOptions(id, others, recovered), ...given, machineClock })
    const state = snapshots[0] ? restored(core, files.load(snapshots[0]), snapshots[0]) : []
    const nothing = { save: null, chunks: [], restored: [], applied: [], replies: [], connected: null }
    return { core, state, underWay: [], acts: noActs(snapshots[0]?.index), ...nothing }
  }

  #withMembers(snapshot: Snapshot): Snapshot {
    const isBare = this.#world.members.length === 0 || this.#stage.members === 'fixed'
    return isBare ? snapshot : withMembers(this.#world.members, snapshot)
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
    this.told.push(...effects.events.map((event) => ({ ...event, node: id })))
    if (effects.peers) hand.connected = effects.peers
    if (effects.hold) hand.files.hold(effects.hold)
    const { persist, sendWhenDurable: messages } = effects
    if (persist) hand.underWay.push({ persist, messages })
    else this.#send(messages)
    for (const piece of effects.sendChunks) this.#sendChunk(hand, piece)
    perform(hand, effects)
    hand.chunks.push(...effects.keepChunks)
    if (!hand.isHolding) this.keep(id)
  }

  #sendChunk({ files }: Hand, { chunk, length }: Piece): void {
    const { lastIncludedIndex: index, lastIncludedTerm: term, offset } = chunk
    const data = files.read({ index, term }, offset, length)
    if (data) this.#send([{ ...chunk, data } as Chunk])
  }

  #send(messages: readonly Message[]): void {
    const { decode, encode } = jsonCodec(this.#stage)
    this.air.push(...messages.map((message) => decode(encode(message)) as AnyMessage))
  }
}
