import type {
  Answer,
  Clock,
  Command,
  Message,
  Network,
  NodeId,
  NodeSettings,
  StateMachine,
  Traced,
} from '../../contracts.js'
import { Node } from '../../node.js'
import type { Stage } from '../../stage.js'
import type { SimulatedDisk } from './disk.js'
import type { SeededRandom } from './random.js'
import type { Timeline } from './timeline.js'

declare module '../../events.js' {
  interface EventDetails {
    node_failed: { message: string }
  }
}

/** What surrounds a machine. */
export interface Surroundings {
  readonly timeline: Timeline
  readonly random: SeededRandom
  /** See `Doors` of the shell. */
  readonly applyBatch: number
  send(message: Message): void
  /** `node`: where it happened. */
  trace(event: Traced, node: NodeId): void
  /** A node is about to do something to the world, or has just done it: it may be killed here. */
  boundary(node: NodeId): void
  /** The node's process has ended. */
  ended(node: NodeId): void
  /** Called when something was set going that ends in promises, which time must wait for. */
  stir(): void
}

/** What a stopped process finds when it goes on: its expired timers first, as in a real event loop, then what arrived. */
interface Backlog {
  readonly timers: (() => void)[]
  readonly arrivals: (() => void)[]
}

/** A simulated machine: the real shell with the real core of a stage, in virtual time, to be killed and paused. */
export class Host {
  readonly #stage: Stage
  readonly #settings: NodeSettings
  readonly #around: Surroundings
  readonly #disk: SimulatedDisk
  #node: Node | null = null
  #receive: (message: Message) => void = () => {}
  #backlog: Backlog | null = null
  /** Counts the starts: what an earlier process left to be done is not for the next. */
  #incarnation = 0

  constructor(stage: Stage, settings: NodeSettings, disk: SimulatedDisk, around: Surroundings) {
    this.#stage = stage
    this.#settings = settings
    this.#disk = disk
    this.#around = around
  }

  get id(): string {
    return this.#settings.id
  }

  get condition(): 'up' | 'paused' | 'dead' {
    return this.#node === null ? 'dead' : this.#backlog ? 'paused' : 'up'
  }

  /** The node, while its process is there. */
  get node(): Node | null {
    return this.#node
  }

  /** What the node's state machine holds. */
  contents(): ReadonlyMap<string, string> {
    return this.#node?.contents() ?? new Map()
  }

  start(): void {
    this.#incarnation++
    const clock = this.#clock()
    const goesOn = this.#boundary()
    const node = new Node(this.#stage, this.#settings, {
      network: this.#network(goesOn),
      machine: () => this.#stirring(this.#stage.application.machine(this.#stirringClock(clock)), goesOn),
      clock,
      applyBatch: this.#around.applyBatch,
      log: this.#disk.store(clock, this.#around.random, this.#around.stir, goesOn),
      notice: (event) => this.#around.trace(event, this.id),
      trace: (event) => this.#around.trace(event, this.id),
      fatal: (error) => this.#died(error),
    })
    this.#node = node
    this.#around.stir()
    node.start().catch((error: Error) => this.#died(error))
  }

  /** The process ends at once; what its disk had not synced is at the disk's mercy. */
  kill(): void {
    this.#node?.kill()
    this.#node = null
    this.#backlog = null
    this.#incarnation++
    this.#disk.crash(this.#around.random)
    this.#around.ended(this.id)
  }

  pause(): void {
    if (this.condition === 'up') this.#backlog = { timers: [], arrivals: [] }
  }

  resume(): void {
    const backlog = this.#backlog
    this.#backlog = null
    for (const task of [...(backlog?.timers ?? []), ...(backlog?.arrivals ?? [])])
      this.#around.timeline.schedule(0, task)
  }

  /** Something reaches the process from outside: done now, or when it goes on, or never if it is dead by then. */
  arrive(task: (node: Node) => void): void {
    const incarnation = this.#incarnation
    const deliver = () => {
      if (this.#incarnation === incarnation && this.#node) task(this.#node)
    }
    if (this.#backlog) this.#backlog.arrivals.push(deliver)
    else deliver()
  }

  deliver(message: Message): void {
    this.arrive(() => this.#receive(message))
  }

  #died(error: Error): void {
    this.#around.trace({ event: 'node_failed', message: error.message }, this.id)
    this.kill()
  }

  /** @returns asks whether this process, now that it has come to a boundary of what it does, goes on behind it */
  #boundary(): () => boolean {
    const incarnation = this.#incarnation
    return () => {
      if (this.#incarnation === incarnation) this.#around.boundary(this.id)
      return this.#incarnation === incarnation
    }
  }

  #network(goesOn: () => boolean): Network {
    return {
      start: async (receive) => {
        this.#receive = receive
      },
      send: (message) => {
        if (goesOn()) this.#around.send(message)
      },
      setIdentity() {},
      setPeers() {},
      stop: async () => {},
    }
  }

  /** Virtual time, as this incarnation of the process lives it. */
  #clock(): Clock {
    const { timeline } = this.#around
    const incarnation = this.#incarnation
    const run = (task: () => void) => {
      if (this.#incarnation !== incarnation) return
      if (this.#backlog) this.#backlog.timers.push(() => run(task))
      else task()
    }
    return {
      now: () => timeline.now,
      after(ms, task) {
        let cancelled = false
        timeline.schedule(ms, () => cancelled || run(task))
        return () => {
          cancelled = true
        }
      },
      soon: (task) => timeline.schedule(0, () => run(task)),
    }
  }

  /** For whoever waits for a turn with a promise. */
  #stirringClock(clock: Clock): Clock {
    const stirring = (task: () => void) => () => {
      this.#around.stir()
      task()
    }
    return { ...clock, soon: (task) => clock.soon(stirring(task)) }
  }

  /** What is handed to a machine whose process has ended is never done. */
  #stirring(machine: StateMachine, goesOn: () => boolean): StateMachine {
    const never = new Promise<never>(() => {})
    return {
      apply: (batch: readonly Command[]): Promise<Answer[]> => {
        this.#around.stir()
        return goesOn() ? machine.apply(batch) : never
      },
      query: (batch: readonly Command[]): Promise<Answer[]> => {
        this.#around.stir()
        return goesOn() ? machine.query(batch) : never
      },
      snapshot: () => {
        this.#around.stir()
        return goesOn() ? machine.snapshot() : never
      },
      restore: (body) => {
        this.#around.stir()
        return goesOn() ? machine.restore(body) : never
      },
      contents: () => machine.contents(),
    }
  }
}
