import {
  type Answer,
  type Apply,
  type Checked,
  type Clock,
  type Core,
  type Effects,
  type Entry,
  type Event,
  failure,
  type Index,
  type LogStore,
  type Message,
  type Network,
  type NodeSettings,
  nothingRecovered,
  type Persist,
  type RequestId,
  type StateMachine,
  type Status,
} from './contracts.js'
import type { Stage } from './stage.js'

/** The world, as far as a node touches it. */
export interface Doors {
  readonly network: Network
  readonly stateMachine: StateMachine
  readonly clock: Clock
  /** From stage 4 on; the earlier stages keep nothing. */
  readonly log?: LogStore
  /** Hears what a person would want to know: what the rules report, such as a change of role. */
  readonly notice: (event: Event) => void
  /** Commands in one critical section of the state machine at most; 1024 unless given. */
  readonly applyBatch?: number
  /** Hears of every request, answer and message; leave it out and nothing is spent on it. */
  readonly trace?: (event: Event) => void
  /** A broken invariant or a failed disk write: the node is of no more use and must end. Called once. */
  readonly fatal: (error: Error) => void
}

/** Requests that may wait for their answers at one node; past it, new ones are refused as `overloaded`. */
const maxWaiting = 65_536
const defaultApplyBatch = 1_024

type Phase = 'new' | 'running' | 'stopping' | 'dead'

/**
 * The one shell: runs any stage's core over any network, log store and state machine, unchanged in the simulator.
 *
 * A turn of the event loop gathers what came in, then: take what the core decided → send → one durable write (all
 * that arrives while the disk is busy is the next one) → tell the core → send what waited for it → apply → answer.
 */
export class Node {
  readonly #stage: Stage
  readonly #settings: NodeSettings
  readonly #doors: Doors
  /** Made once it is known what an earlier life left on the disk. */
  #core: Core | null = null
  readonly #waiting = new Map<RequestId, (answer: Answer) => void>()
  #nextRequest: RequestId = 1
  #phase: Phase = 'new'
  #turnDue = false
  #stopTicking = () => {}
  #toApply: Apply[] = []
  #applying = false
  #drained = () => {}

  constructor(stage: Stage, settings: NodeSettings, doors: Doors) {
    this.#stage = stage
    this.#settings = settings
    this.#doors = doors
  }

  get status(): Status {
    return this.#core?.status ?? this.#asleep
  }

  /** The log from an index on, for those who look on from outside. */
  entries(from: Index): readonly Entry[] {
    return this.#core?.entries(from) ?? []
  }

  /** What there is to say while the disk is being read. */
  get #asleep(): Status {
    const { id, members } = this.#settings
    const peers = members.map((member) => member.id).filter((peer) => peer !== id)
    return { id, stage: this.#stage.number, role: 'starting', leader: null, applied: 0, peers }
  }

  /** @throws if what the disk holds cannot be trusted */
  async start(): Promise<void> {
    const recovered = (await this.#doors.log?.open()) ?? nothingRecovered
    if (this.#phase !== 'new') return
    this.#core = this.#stage.create({ ...this.#settings, recovered })
    this.#phase = 'running'
    await this.#doors.network.start((message) => this.#receive(message))
    this.#armTick()
    this.#scheduleTurn()
  }

  /** Refuses what is new, waits until every waiting client has its answer or `drainMs` have passed, and ends. */
  async stop(drainMs: number): Promise<void> {
    if (this.#phase !== 'running') return
    this.#phase = 'stopping'
    if (this.#waiting.size > 0) {
      await new Promise<void>((resolve) => {
        this.#drained = resolve
        this.#doors.clock.after(drainMs, resolve)
      })
    }
    for (const request of [...this.#waiting.keys()]) {
      this.#answer(request, failure('connection_lost', 'the node stopped before it knew the outcome'))
    }
    this.kill()
    await this.#doors.network.stop()
    await this.#doors.log?.close()
  }

  /** Ends at once, as a crash would: nobody is answered, nothing more is done. */
  kill(): void {
    this.#phase = 'dead'
    this.#stopTicking()
  }

  /**
   * A client asks. `answer` is called once; never if the node dies first.
   *
   * @param candidate what the client sent, not yet checked, without its `id`
   */
  ask(candidate: Readonly<Record<string, unknown>>, answer: (answer: Answer) => void): void {
    const checked = this.#check(candidate)
    if (!checked.ok) return answer(checked)
    const { command } = checked
    const id = this.#nextRequest++
    this.#waiting.set(id, answer)
    this.#doors.trace?.({ event: 'request', request: id, command })
    this.#input((core) => core.request({ id, command }))
  }

  #check(candidate: Readonly<Record<string, unknown>>): Checked {
    const name = candidate.command
    if (typeof name !== 'string') return failure('bad_request', `"command" must be one of ${this.#commands()}`)
    const shape = Object.hasOwn(this.#stage.commands, name) ? this.#stage.commands[name]! : undefined
    if (!shape)
      return failure(
        'unknown_command',
        `no command ${JSON.stringify(name.slice(0, 64))}; there are ${this.#commands()}`,
      )
    if (this.#phase !== 'running') return failure('shutting_down', 'the node is stopping')
    if (this.#waiting.size >= maxWaiting)
      return failure('overloaded', `${maxWaiting} requests are waiting here already`)
    return shape.check(candidate)
  }

  #commands(): string {
    return Object.keys(this.#stage.commands).join(' ')
  }

  #receive(message: Message): void {
    this.#doors.trace?.({ event: 'receive', message })
    this.#input((core) => core.receive(message))
  }

  /** Missed ticks are not made up for, and what has already arrived is read first: a pause is not silence. */
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
    if (isTaken && effects) this.#carryOut(effects)
  }

  #carryOut(effects: Effects): void {
    for (const event of effects.events) this.#doors.notice(event)
    for (const message of effects.send) this.#send(message)
    if (effects.persist) this.#write(effects.persist, effects.sendWhenDurable).catch((error) => this.#fatal(error))
    else for (const message of effects.sendWhenDurable) this.#send(message)
    for (const apply of effects.apply) this.#toApply.push(apply)
    if (effects.apply.length > 0) this.#applyAll().catch((error) => this.#fatal(error))
    for (const { request, answer } of effects.replies) this.#answer(request, answer)
  }

  #send(message: Message): void {
    this.#doors.trace?.({ event: 'send', message })
    this.#doors.network.send(message)
  }

  /** Makes a batch durable, and then keeps the promises that waited for it. The core gives no other until then. */
  async #write(persist: Persist, messages: readonly Message[]): Promise<void> {
    await this.#doors.log?.write(persist)
    if (this.#isDead()) return
    this.#input((core) => core.durable(persist.upTo))
    for (const message of messages) this.#send(message)
  }

  /** Performs what is committed, in order, a batch at a time, and answers the clients that wait for it. */
  async #applyAll(): Promise<void> {
    if (this.#applying) return
    this.#applying = true
    while (this.#phase !== 'dead' && this.#toApply.length > 0) {
      const batch = this.#nextBatch()
      const answers = await this.#doors.stateMachine.apply(batch.map((apply) => apply.command))
      if (this.#isDead()) return
      for (const [at, apply] of batch.entries()) {
        this.#doors.trace?.({ event: 'apply', index: apply.index, command: apply.command })
        if (apply.request !== null) this.#answer(apply.request, answers[at]!)
      }
      this.#input((core) => core.applied(batch.at(-1)!.index))
    }
    this.#applying = false
  }

  #nextBatch(): Apply[] {
    const { applyBatch = defaultApplyBatch } = this.#doors
    const all = this.#toApply
    if (all.length > applyBatch) return all.splice(0, applyBatch)
    this.#toApply = []
    return all
  }

  #answer(request: RequestId, answer: Answer): void {
    const waiting = this.#waiting.get(request)
    if (!waiting) return
    this.#waiting.delete(request)
    this.#doors.trace?.({ event: 'answer', request, answer })
    waiting(answer)
    if (this.#waiting.size === 0) this.#drained()
  }

  /** For after an `await`: the compiler believes that nothing can have changed meanwhile. */
  #isDead(): boolean {
    return this.#phase === 'dead'
  }

  #fatal(error: unknown): void {
    if (this.#phase === 'dead') return
    this.kill()
    this.#doors.fatal(error instanceof Error ? error : new Error(String(error)))
  }
}
