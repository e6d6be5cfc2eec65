/** The state machine of the vector stores. */
import type { Answer, Clock, Command, StateMachine } from 'raft-roadmap/server'
import type { VectorCommand } from './commands.js'
import { nearest, type Searching } from './nearest.js'
import { getItems, listStores, perform, Stores, shown } from './perform.js'
import { restored, Snapshot } from './snapshot.js'
import { SearchThreads } from './threads.js'

/** Settings of the state machine, for tests. All nodes of a cluster have the same `bytes`. */
export interface MachineSettings {
  /** False for searches on the node's own thread alone: the simulator has no other. */
  readonly threads?: boolean
  /** Bytes that all stores together may hold. */
  readonly bytes?: number
}

/** Items of commands that are performed before the event loop may turn. */
const sliceItems = 2_000

/**
 * A state machine that answers searches beside the commands that follow: a search is of the moment at which it was
 * asked, and a row that it reads never changes.
 */
export class VectorMachine implements StateMachine {
  #stores = new Stores()
  #snapshot: Snapshot | undefined
  readonly #world: Searching
  readonly #bytes: number | undefined
  readonly answersBeside = true

  constructor(clock: Clock, { threads = true, bytes }: MachineSettings = {}) {
    this.#bytes = bytes
    this.#world = {
      threads: threads ? new SearchThreads() : null,
      turn: () => new Promise((resolve) => clock.soon(resolve)),
    }
  }

  async apply(batch: readonly Command[]): Promise<Answer[]> {
    const answers: Answer[] = []
    let items = 0
    for (const command of batch as readonly VectorCommand[]) {
      answers.push(perform(this.#stores, command, this.#bytes))
      items += command.command === 'set' ? command.items.length : 1
      if (items < sliceItems) continue
      items = 0
      await this.#world.turn()
    }
    return answers
  }

  query(batch: readonly Command[]): Promise<Answer[]> {
    return Promise.all((batch as readonly VectorCommand[]).map((command) => this.#answer(command)))
  }

  /** Answers a read. It looks at the stores at once: commands that follow do not show. */
  async #answer(command: VectorCommand): Promise<Answer> {
    if (command.command === 'get') return getItems(this.#stores, command)
    if (command.command === 'list_stores') return listStores(this.#stores)
    if (command.command === 'nearest') return nearest(this.#stores, command, this.#world)
    throw new Error(`${command.command} changes the stores, so it is no read`)
  }

  async snapshot(): Promise<AsyncIterable<string>> {
    // There is one snapshot at a time. An earlier one may have been given up before it was read.
    this.#snapshot?.release()
    this.#snapshot = new Snapshot(this.#stores)
    return this.#snapshot.lines(this.#world.turn)
  }

  async restore(body: AsyncIterable<string>): Promise<void> {
    this.#stores = await restored(body, this.#world.turn)
  }

  /** Each store and each item, by name: `docs` has its dimension, and `docs/a` its vector and metadata. */
  contents(): ReadonlyMap<string, string> {
    const contents = new Map<string, string>()
    for (const [name, store] of this.#stores.byName) {
      contents.set(name, String(store.dimension))
      const { items, release } = store.moment()
      for (const item of items) {
        const { id, ...rest } = shown(item)
        contents.set(`${name}/${id}`, JSON.stringify(rest))
      }
      release()
    }
    return contents
  }
}
