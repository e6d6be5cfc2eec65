import type {
  Answer,
  Clock,
  Command,
  EntryId,
  Greeting,
  Message,
  Network,
  NodeId,
  NodeSettings,
  StateMachine,
  Traced,
} from '../../contracts.js'
import { Node } from '../../node.js'
import type { Stage } from '../../stage.js'
import { hearsAll, StateWatch, watchedLog } from '../../trace/watch.js'
import type { SimulatedDisk } from './disk.js'
import type { SeededRandom } from './random.js'
import type { Timeline } from './timeline.js'

declare module '../../events.js' {
  interface EventDetails {
    node_failed: { message: string }
  }
}

/** The world around a simulated machine. */
export interface Surroundings {
  readonly timeline: Timeline
  readonly random: SeededRandom
  /** Commands that the state machine performs in one batch at most; see `Doors` of the shell. */
  readonly applyBatch: number
  send(message: Message): void
  /** Called with every event, and with the node at which it happened. */
  trace(event: Traced, node: NodeId): void
  /** True if states and writes are traced as well, for somebody who looks on. */
  readonly isWatched: boolean
  /** Called before and after each thing that a node does to the world: the node may be killed here. */
  boundary(node: NodeId): void
  /** Called when the node's process has ended. */
  ended(node: NodeId): void
  /** Called when a task was started that ends in promises, for which time must wait. */
  stir(): void
}

/**
 * The backlog of a paused process: when it goes on, it runs expired timers first, as a real event loop does, then
 * arrivals.
 */
interface Backlog {
  readonly timers: (() => void)[]
  readonly arrivals: (() => void)[]
}

/** Virtual milliseconds that a process which was asked to end waits for its clients' answers. */
const drainMs = 1_000

/** A simulated machine: the real shell with the real core of a stage, in virtual time, to be killed and paused. */
export class Host {
  readonly #stage: Stage
  readonly #settings: NodeSettings
  readonly #around: Surroundings
  readonly #disk: SimulatedDisk
  #node: Node | null = null
  #receive: (message: Message) => void = () => {}
  #greet: (peer: Greeting) => void = () => {}
  /** The features that each sender had when it was last heard in this life, by name and disk. */
  readonly #greeted = new Map<string, readonly string[]>()
  /** The features that the node knows in its next life: those of the release that is installed on its machine. */
  features: readonly string[] = []
  /** The features that it knows in this life. */
  #running: readonly string[] = []
  #backlog: Backlog | null = null
  /** True from the moment at which the process was asked to end. */
  isStopping = false
  /** The number of the node's starts: the tasks of an earlier process are not run by a later one. */
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

  /** The node, while its process runs; null otherwise. */
  get node(): Node | null {
    return this.#node
  }

  /** Reads the contents of the node's state machine. */
  contents(): ReadonlyMap<string, string> {
    return this.#node?.contents() ?? new Map()
  }

  start(): void {
    this.#incarnation++
    this.isStopping = false
    this.#running = this.features
    this.#greeted.clear()
    const clock = this.#clock()
    const goesOn = this.#boundary()
    const { isWatched } = this.#around
    const tell = (event: Traced) => this.#around.trace(event, this.id)
    const tracer = hearsAll(tell)
    const states = isWatched ? new StateWatch(tracer, clock, () => node.status) : null
    const store = this.#disk.store(clock, this.#around.random, this.#around.stir, goesOn)
    const node: Node = new Node(
      this.#stage,
      { ...this.#settings, features: this.#running },
      {
        network: this.#network(goesOn),
        machine: () => {
          const { application } = this.#stage
          return this.#stirring(application.machine(this.#stirringClock(clock), this.#around.random), goesOn)
        },
        clock,
        applyBatch: this.#around.applyBatch,
        log: isWatched && this.#stage.keeps !== 'nothing' ? watchedLog(store, tracer) : store,
        notice: tell,
        trace: tell,
        traceRequest: tell,
        ...(states && { turned: () => states.turned() }),
        fatal: (error) => this.#died(error),
      },
    )
    this.#node = node
    this.#around.stir()
    node.start().catch((error: Error) => this.#died(error))
  }

  /** Ends the process at once. Writes that its disk had not synced may be lost. */
  kill(): void {
    this.#node?.kill()
    this.#node = null
    this.#backlog = null
    this.#incarnation++
    this.#disk.crash(this.#around.random)
    this.#around.ended(this.id)
  }

  /** Asks the process to end: it answers its clients first. @param ended called before it ends, if nothing else ended it */
  stop(ended: () => void): void {
    const incarnation = this.#incarnation
    this.isStopping = true
    this.arrive(async (node) => {
      this.#around.stir()
      await node.stop(drainMs)
      if (this.#incarnation !== incarnation) return
      ended()
      this.kill()
    })
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

  /**
   * Lets something reach the process from outside: at once, when a paused process goes on, or never if the process dies
   * before.
   */
  arrive(task: (node: Node) => void): void {
    const incarnation = this.#incarnation
    const deliver = () => {
      if (this.#incarnation === incarnation && this.#node) task(this.#node)
    }
    if (this.#backlog) this.#backlog.arrivals.push(deliver)
    else deliver()
  }

  /** Delivers a message of a node with these features: a connection opens with a hello, which says them. */
  deliver(message: Message, sender: Host): void {
    const features = sender.#running
    this.arrive(() => {
      const { from: id, incarnation = '' } = message
      const isNew = this.#greeted.get(`${id} ${incarnation}`) !== features
      this.#greeted.set(`${id} ${incarnation}`, features)
      if (isNew) this.#greet({ id, incarnation, features })
      this.#receive(message)
    })
  }

  /** A node has ended, and with it its connection to this one. */
  lost(id: NodeId): void {
    this.arrive(() => {
      for (const [key, features] of this.#greeted) {
        const [name, incarnation] = key.split(' ') as [string, string]
        if (name !== id || features.length === 0) continue
        this.#greeted.delete(key)
        this.#greet({ id, incarnation, features: null })
      }
    })
  }

  #died(error: Error): void {
    this.#around.trace({ event: 'node_failed', message: error.message }, this.id)
    this.kill()
  }

  /**
   * Makes the boundary of one process. @returns a function that reports a boundary, and tells whether the process
   * survived it
   */
  #boundary(): () => boolean {
    const incarnation = this.#incarnation
    return () => {
      if (this.#incarnation === incarnation) this.#around.boundary(this.id)
      return this.#incarnation === incarnation
    }
  }

  #network(goesOn: () => boolean): Network {
    return {
      start: async (receive, _meet, greet) => {
        this.#receive = receive
        if (greet) this.#greet = greet
      },
      send: (message) => {
        if (goesOn()) this.#around.send(message)
      },
      setIdentity() {},
      setPeers() {},
      stop: async () => {},
    }
  }

  /** Makes the clock of virtual time for this incarnation of the process. */
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

  /** Makes a clock that reports the tasks whose promises time must wait for. */
  #stirringClock(clock: Clock): Clock {
    const stirring = (task: () => void) => () => {
      this.#around.stir()
      task()
    }
    return { ...clock, soon: (task) => clock.soon(stirring(task)) }
  }

  /** Wraps a state machine: a batch given after the end of its process is never performed. */
  #stirring(machine: StateMachine, goesOn: () => boolean): StateMachine {
    const never = new Promise<never>(() => {})
    return {
      apply: (batch: readonly Command[], places?: readonly EntryId[]): Promise<Answer[]> => {
        this.#around.stir()
        return goesOn() ? machine.apply(batch, places) : never
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
