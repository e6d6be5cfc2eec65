import { type Application, decoded } from './application.js'
import {
  type Answer,
  type Apply,
  type Clock,
  type Command,
  type Core,
  type Effects,
  featuresFormat,
  type Query,
  type RequestId,
  type Snapshot,
  type SnapshotHeader,
  type SnapshotStore,
  type StateMachine,
  type TraceEvent,
  textFormat,
} from './contracts.js'
import { newCommands } from './new-commands.js'
import type { Room } from './room.js'
import { bodyOf, type Sections, sectionsOf } from './snapshot-sections.js'
import { commandsInOrder, type Task, Tasks } from './tasks.js'

/** A node, as far as its applier touches it. */
export interface Applying {
  readonly application: Application
  readonly machine: StateMachine
  readonly clock: Clock
  /** The store of snapshots, at the stages that keep a log. */
  readonly snapshots: () => SnapshotStore
  readonly room: Room
  readonly trace: ((event: TraceEvent) => void) | undefined
  readonly traceRequest: ((event: TraceEvent) => void) | undefined
  /** Commands in one critical section of the state machine at most. */
  readonly applyBatch: number
  readonly core: () => Core
  /** Checks whether the node has died: what comes back from the state machine is of no use then. */
  readonly isDead: () => boolean
  /** Gives the core some input, unless the node is dead. */
  readonly input: (step: (core: Core) => void) => void
  readonly answer: (request: RequestId, answer: Answer, fields?: Readonly<Record<string, unknown>>) => void
  /** Ends the node if work fails for which nothing waits. */
  readonly watch: (work: Promise<void>) => void
}

/**
 * Applies committed entries to the state machine, in the order of the log, one batch after another (§5.3). Reads are
 * answered at their places in between, and snapshots are restored and saved there. The node goes on meanwhile.
 */
export class Applier {
  readonly #node: Applying
  readonly #tasks: Tasks
  #isWorking = false

  constructor(node: Applying) {
    this.#node = node
    this.#tasks = new Tasks(node.applyBatch)
  }

  /** Takes what a turn has decided about the state machine. */
  take(effects: Pick<Effects, 'restore' | 'apply' | 'query' | 'snapshot'>): void {
    if (effects.restore) this.restore(effects.restore)
    for (const task of commandsInOrder(effects)) this.#add(task)
    if (effects.snapshot) this.#add({ save: effects.snapshot })
  }

  /** Puts a snapshot in the place of the whole state, when all that was taken before is done. */
  restore(snapshot: Snapshot): void {
    this.#add({ restore: snapshot })
  }

  #add(task: Task): void {
    this.#tasks.add(task)
    if (!this.#isWorking) this.#node.watch(this.#work())
  }

  /** Works through the tasks, one after another. */
  async #work(): Promise<void> {
    const { machine, watch, isDead } = this.#node
    this.#isWorking = true
    for (let task = this.#tasks.next(); task && !isDead(); task = this.#tasks.next()) {
      if ('apply' in task) await this.#apply(task.apply)
      else if ('query' in task && machine.answersBeside) watch(this.#query(task.query))
      else if ('query' in task) await this.#query(task.query)
      else if ('restore' in task) await this.#restore(task.restore)
      else watch(this.#save(task.save, await this.#snapshot()))
    }
    this.#isWorking = false
  }

  /** Has commands performed, and answers the clients that wait for them. */
  async #apply(batch: readonly Apply[]): Promise<void> {
    const { application, machine, core, isDead, input, answer, traceRequest } = this.#node
    const performances = batch.map((entry) => core().perform(entry))
    const { commands, places } = newCommands(application, batch, performances)
    const answers = commands.length > 0 ? await machine.apply(commands, places) : []
    if (isDead()) return
    let answered = 0
    for (const [at, { isNew, result }] of performances.entries()) {
      const { index, payload, request, fields } = batch[at]!
      const what = isNew ? { command: commands[answered]! } : { own: payload }
      traceRequest?.({ event: 'apply', index, ...what })
      if (isNew) result.answer = answers[answered++]!
      if (request !== null && result.answer) answer(request, result.answer, fields)
    }
    input((node) => node.applied(batch.at(-1)!.index))
  }

  async #query(batch: readonly Query[]): Promise<void> {
    const { application, machine, isDead, answer, traceRequest } = this.#node
    const commands = batch.map(({ command }): Command => decoded(application, command))
    const answers = await machine.query(commands)
    if (isDead()) return
    for (const [at, { request, fields }] of batch.entries()) {
      traceRequest?.({ event: 'query', command: commands[at]! })
      answer(request, answers[at]!, fields)
    }
  }

  async #restore(snapshot: Snapshot): Promise<void> {
    const { application, machine, snapshots, isDead, input, trace } = this.#node
    const body = snapshots().load(snapshot)
    const sections = await sectionsOf(body, application.name, snapshot.format)
    await machine.restore(sections.application)
    if (isDead()) return
    input((core) => core.restored(sections.kept))
    trace?.({ event: 'restore', snapshot })
    input((core) => core.applied(snapshot.index))
  }

  /** The state of rules and state machine at this moment, to be written down. */
  async #snapshot(): Promise<Sections> {
    const application = await this.#node.machine.snapshot()
    return { kept: this.#node.core().kept(), application }
  }

  /** Saves a snapshot beside all other work: commands performed meanwhile do not show in it. */
  async #save(facts: SnapshotHeader, sections: Sections): Promise<void> {
    const { application, clock, room, snapshots, input } = this.#node
    const header = { format: facts.features === undefined ? textFormat : featuresFormat, ...facts }
    const body = bodyOf(sections, application.name)
    const snapshot = await room.unlessFull(() => snapshots().save(header, body))
    if (snapshot) return input((core) => core.saved(snapshot))
    clock.after(room.pauseMs, () => input((core) => core.saved(null)))
  }
}
