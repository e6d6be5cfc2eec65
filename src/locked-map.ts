import { Mutex } from 'async-mutex'
import type { Answer, Clock, Command, Operation, StateMachine, Store } from './contracts.js'

/**
 * The state machine: a Map behind a mutex. A batch is one critical section, so that whoever takes the lock sees the
 * store between batches and never inside one. Most operations finish at once; one that is a generator (`scan`) gives
 * the event loop a turn at every `yield` and keeps the lock meanwhile.
 */
export class LockedMap implements StateMachine {
  readonly #store = new Map<string, string>()
  readonly #mutex = new Mutex()
  readonly #operations: Readonly<Record<string, Operation<Store>>>
  readonly #clock: Clock

  constructor(operations: Readonly<Record<string, Operation<Store>>>, clock: Clock) {
    this.#operations = operations
    this.#clock = clock
  }

  /** What the store holds at this moment, for those who look on from outside; nobody else reads past the lock. */
  contents(): ReadonlyMap<string, string> {
    return this.#store
  }

  apply(batch: readonly Command[]): Promise<Answer[]> {
    return this.#mutex.runExclusive(async () => {
      const answers: Answer[] = []
      for (const command of batch) {
        const result = this.#operation(command)(this.#store, command as never)
        answers.push('ok' in result ? result : await this.#finish(result))
      }
      return answers
    })
  }

  #operation({ command }: Command): Operation<Store> {
    const operation = Object.hasOwn(this.#operations, command) ? this.#operations[command] : undefined
    if (!operation) throw new Error(`the state machine has no operation ${command}`)
    return operation
  }

  snapshot(): Promise<AsyncIterable<string>> {
    return this.#mutex.runExclusive(async () => {
      const entries = [...this.#store].sort(([a], [b]) => (a < b ? -1 : 1))
      const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`)
      return (async function* () {
        yield* lines
      })()
    })
  }

  restore(body: AsyncIterable<string>): Promise<void> {
    return this.#mutex.runExclusive(async () => {
      const entries: [string, string][] = []
      for await (const lines of body)
        for (const line of lines.split('\n')) if (line !== '') entries.push(JSON.parse(line) as [string, string])
      this.#store.clear()
      for (const [key, value] of entries) this.#store.set(key, value)
    })
  }

  async #finish(slices: Generator<void, Answer>): Promise<Answer> {
    for (;;) {
      const slice = slices.next()
      if (slice.done) return slice.value
      await new Promise<void>((resolve) => this.#clock.soon(resolve))
    }
  }
}
