import { Applier } from './applier.js'
import { statusAsleep } from './asleep.js'
import { coreFor } from './check-recovered.js'
import { checkRequest } from './check-request.js'
import {
  type Answer,
  type Chunk,
  type Clock,
  type Core,
  type Effects,
  type Entry,
  type Event,
  type Foreigner,
  failure,
  type Greeting,
  type Index,
  type LogStore,
  type Message,
  type Network,
  type NodeSettings,
  nothingRecovered,
  type Persist,
  type Piece,
  type Reply,
  type RequestId,
  type StateMachine,
  type Status,
  type TraceEvent,
} from './contracts.js'
import { Room } from './room.js'
import { answerWithPiece } from './snapshot-piece.js'
import type { Stage } from './stage.js'
import { Succession } from './succession.js'
import { WaitingRequests } from './waiting-requests.js'

declare module './events.js' {
  interface EventDetails {
    snapshot_failed: { message: string; retryMs: number }
  }
}

/** The world, as far as a node touches it. */
export interface Doors {
  readonly network: Network
  /** Makes an empty state machine: {@link Application.machine}, or a test's in its place. */
  readonly machine: (clock: Clock) => StateMachine
  readonly clock: Clock
  /** The log store, from stage 4 on; the earlier stages keep nothing. */
  readonly log?: LogStore
  /** Hears the events that the rules report for a person, such as a change of role. */
  readonly notice: (event: Event) => void
  /** Commands in one critical section of the state machine at most; 1024 if left out. */
  readonly applyBatch?: number
  /** Hears of every message; if it is left out, nothing is spent on it. So it is with every request, and its answer. */
  readonly trace?: (event: TraceEvent) => void
  readonly traceRequest?: (event: TraceEvent) => void
  /** Called when a turn has ended: what the rules decided has been carried out. */
  readonly turned?: () => void
  /** Hears of a broken invariant or a failed disk write: the node is of no more use and must end. Called once. */
  readonly fatal: (error: Error) => void
}

const defaultApplyBatch = 1_024

type Phase = 'new' | 'running' | 'stopping' | 'dead'

/**
 * The one shell: it runs any stage's core over any network, log store and state machine, unchanged in the simulator.
 *
 * A turn of the event loop gathers all input. Then: take the core's decisions → send → one durable write (input that
 * arrives while the disk is busy goes into the next) → tell the core → send the rest → apply → answer.
 */
export class Node {
  readonly #stage: Stage
  readonly #settings: NodeSettings
  readonly #doors: Doors
  readonly #machine: StateMachine
  /** The stage's core, made once the disk has been read. */
  #core: Core | null = null
  readonly #waiting = new WaitingRequests()
  readonly #succession = new Succession()
  /** The origin that the network was last told; null before. */
  #origin: string | null = null
  #phase: Phase = 'new'
  #turnDue = false
  #stopTicking = () => {}
  /** The node's stop, once it has begun. */
  #stopped: Promise<void> | null = null
  readonly #applier: Applier
  /** Resolves when all chunks that came have been kept, one after another. */
  #keeping: Promise<void> = Promise.resolve()
  /** Facts that `info` repeats, and that are added to while the node runs. */
  readonly #about: Record<string, unknown>
  readonly #room: Room

  constructor(stage: Stage, settings: NodeSettings, doors: Doors) {
    this.#stage = stage
    this.#settings = settings
    this.#about = { ...settings.about }
    this.#doors = doors
    this.#machine = doors.machine(doors.clock)
    this.#room = new Room(doors.clock, doors.notice, this.#about)
    this.#applier = this.#makeApplier()
  }

  #makeApplier(): Applier {
    const { clock, trace, traceRequest, applyBatch = defaultApplyBatch } = this.#doors
    return new Applier({
      ...{ application: this.#stage.application, machine: this.#machine, clock, room: this.#room },
      ...{ trace, traceRequest, applyBatch },
      snapshots: () => this.#doors.log!.snapshots,
      core: () => this.#core!,
      isDead: () => this.#isDead(),
      input: (step) => this.#input(step),
      answer: (request, answer, fields) => this.#answer(request, answer, fields),
      watch: (work) => this.#watch(work),
    })
  }

  get status(): Status {
    return this.#core?.status ?? statusAsleep(this.#stage, this.#settings)
  }

  /** The log from an index on, for tests and checkers. */
  entries(from: Index): readonly Entry[] {
    return this.#core?.entries(from) ?? []
  }

  /** The contents of the state machine, for tests and checkers. */
  contents(): ReadonlyMap<string, string> {
    return this.#machine.contents()
  }

  /** @throws if what the disk holds cannot be trusted, or is not for this stage */
  async start(): Promise<void> {
    const recovered = (await this.#doors.log?.open()) ?? nothingRecovered
    if (this.#phase !== 'new') return
    const facts = { about: this.#about, machineClock: this.#doors.clock, recovered }
    this.#core = coreFor(this.#stage, { ...this.#settings, ...facts })
    this.#phase = 'running'
    if (recovered.snapshots[0]) this.#applier.restore(recovered.snapshots[0])
    this.#identify(this.#core)
    await this.#doors.network.start(
      (message) => this.#receive(message),
      (node: Foreigner) => this.#input((core) => core.foreign(node)),
      (peer: Greeting) => this.#input((core) => core.greeted(peer)),
    )
    this.#armTick()
    this.#scheduleTurn()
  }

  /**
   * Stops the node: a leader hands over first, where the stage can do that. Then the node refuses new requests, and waits
   * up to `drainMs` milliseconds for the answers under way. A second call waits for the same end.
   *
   * @param isLast true if all nodes stop, so that nobody could take over
   */
  stop(drainMs: number, { isLast = false } = {}): Promise<void> {
    this.#stopped ??= this.#stop(drainMs, isLast)
    return this.#stopped
  }

  async #stop(drainMs: number, isLast: boolean): Promise<void> {
    if (this.#phase !== 'running') return
    if (!isLast && this.#succession.isDue(this.#stage, this.status)) {
      await this.#succession.wait(this.#waiting, (request) => this.#input((core) => core.request(request)))
      if ((this.#phase as Phase) !== 'running') return
    }
    this.#phase = 'stopping'
    if (this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting.whenDrained(resolve)
        this.#doors.clock.after(drainMs, resolve)
      })
    }
    for (const request of this.#waiting.ids) {
      this.#answer(request, failure('connection_lost', 'the node stopped before it knew the outcome'))
    }
    this.kill()
    await this.#doors.network.stop()
    await this.#doors.log?.close()
  }

  /** Ends at once, as a crash would: no client is answered, and nothing more is done. */
  kill(): void {
    this.#phase = 'dead'
    this.#stopTicking()
    this.#succession.end()
  }

  /**
   * Asks the node for a client. `answer` is called once; never if the node dies first.
   *
   * @param candidate the client's request, not yet checked, without its `id`
   */
  ask(candidate: Readonly<Record<string, unknown>>, answer: (answer: Answer) => void): void {
    const checked = checkRequest(this.#stage, candidate)
    if (!checked.ok) return answer(checked)
    if (this.#phase !== 'running') return answer(failure('shutting_down', 'the node is stopping'))
    const { ok: _, ...asked } = checked
    const id = this.#waiting.add(asked.command, answer)
    if (typeof id !== 'number') return answer(id)
    this.#doors.traceRequest?.({ event: 'request', request: id, ...asked })
    this.#input((core) => core.request({ id, ...asked }))
  }

  /** Lets one step of logical time pass at once. */
  readonly passTick = () => this.#input((core) => core.tick())

  #receive(message: Message): void {
    this.#doors.trace?.({ event: 'receive', message })
    this.#input((core) => core.receive(message))
  }

  /** Schedules ticks. A missed tick is not made up for, and arrived input is read first: a pause is not silence. */
  #armTick(): void {
    this.#stopTicking = this.#doors.clock.after(this.#settings.timing.tickMs, () => {
      this.#doors.clock.soon(() => this.#tick())
      this.#armTick()
    })
  }

  #tick(): void {
    if (this.#step((core) => core.tick()) && !this.#turnDue) this.#turn()
  }

  #input(step: (core: Core) => void): void {
    if (this.#step(step)) this.#scheduleTurn()
  }

  /** @returns whether the core took it, and may have decided something */
  #step(step: (core: Core) => void): boolean {
    if (this.#phase === 'dead' || !this.#core) return false
    try {
      step(this.#core)
      return true
    } catch (error) {
      this.#fatal(error)
      return false
    }
  }

  #scheduleTurn(): void {
    if (this.#turnDue) return
    this.#turnDue = true
    this.#doors.clock.soon(() => {
      this.#turnDue = false
      if (this.#phase !== 'dead') this.#turn()
    })
  }

  #turn(): void {
    let effects: Effects | undefined
    const isTaken = this.#step((core) => {
      effects = core.take()
    })
    if (!isTaken || !effects) return
    try {
      this.#identify(this.#core!)
      this.#carryOut(effects)
      this.#doors.turned?.()
    } catch (error) {
      this.#fatal(error)
    }
  }

  /** Tells the network who this node is, at first and when it has become a member of a cluster. */
  #identify({ identity }: Core): void {
    if (!identity || identity.origin === this.#origin) return
    this.#origin = identity.origin
    this.#doors.network.setIdentity(identity)
  }

  #carryOut(effects: Effects): void {
    for (const event of effects.events) this.#doors.notice(event)
    if (effects.peers) this.#doors.network.setPeers(effects.peers)
    for (const message of effects.send) this.#send(message)
    if (effects.hold) this.#doors.log?.snapshots.hold(effects.hold)
    if (effects.persist) this.#watch(this.#write(effects.persist, effects.sendWhenDurable))
    else for (const message of effects.sendWhenDurable) this.#send(message)
    for (const piece of effects.sendChunks) this.#watch(this.#sendChunk(piece))
    for (const chunk of effects.keepChunks) this.#keep(chunk)
    this.#applier.take(effects)
    for (const reply of effects.replies) this.#reply(reply)
  }

  /** Ends the node if work fails for which nothing waits. */
  #watch(work: Promise<void>): void {
    work.catch((error) => this.#fatal(error))
  }

  #send(message: Message): void {
    this.#doors.trace?.({ event: 'send', message })
    this.#doors.network.send(message)
  }

  /** Makes a batch durable, then sends the messages that waited for it. The core gives no other batch until then. */
  async #write(persist: Persist, messages: readonly Message[]): Promise<void> {
    await this.#doors.log?.write(persist)
    if (this.#isDead()) return
    this.#input((core) => core.durable(persist.upTo))
    for (const message of messages) this.#send(message)
  }

  /** Reads the bytes of a piece and sends it; it sends nothing if the snapshot is not kept any more. */
  async #sendChunk({ chunk, length }: Piece): Promise<void> {
    const { lastIncludedIndex: index, lastIncludedTerm: term, offset } = chunk
    const data = await this.#doors.log?.snapshots.read({ index, term }, offset, length)
    if (data && !this.#isDead()) this.#send({ ...chunk, data } as Chunk)
  }

  /** Keeps a piece of a snapshot that came, and tells the core the bytes that are there now. */
  #keep(chunk: Chunk): void {
    this.#keeping = this.#keeping.then(async () => {
      if (this.#isDead()) return
      const received = await this.#room.unlessFull(() => this.#doors.log?.snapshots.receive(chunk))
      if (!received) return this.#input((core) => core.held({ chunk, bytes: null }))
      if (this.#isDead()) return
      const { held, snapshot } = received
      if (snapshot) this.#input((core) => core.saved(snapshot))
      this.#input((core) => core.held({ chunk, bytes: held }))
    })
    this.#watch(this.#keeping)
  }

  #reply({ request, answer, piece }: Reply): void {
    if (!piece) return this.#answer(request, answer)
    this.#watch(answerWithPiece(this.#doors.log?.snapshots, piece).then((read) => this.#answer(request, read)))
  }

  #answer(request: RequestId, given: Answer, fields?: Readonly<Record<string, unknown>>): void {
    const tell = this.#waiting.take(request)
    if (!tell) return
    const answer = fields && given.ok ? { ...given, ...fields } : given
    this.#doors.traceRequest?.({ event: 'answer', request, answer })
    tell(answer)
  }

  /** Checks, after an `await`, whether the node died meanwhile: the compiler does not expect that. */
  #isDead(): boolean {
    return this.#phase === 'dead'
  }

  #fatal(error: unknown): void {
    if (this.#phase === 'dead') return
    this.kill()
    this.#doors.fatal(error instanceof Error ? error : new Error(String(error)))
  }
}
