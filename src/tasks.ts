import type { Apply, Effects, Query, Snapshot, SnapshotHeader } from './contracts.js'

/** A task for a state machine: commands, reads, or a snapshot to restore or save between them. */
export type Task =
  | { readonly apply: Apply[] }
  | { readonly query: Query[] }
  | { readonly restore: Snapshot }
  | { readonly save: SnapshotHeader }

/** Orders the commands and reads of one turn, each read at its place among the commands. */
export function commandsInOrder({ apply, query }: Pick<Effects, 'apply' | 'query'>): Task[] {
  const tasks: Task[] = []
  let done = 0
  for (const read of query) {
    if (read.behind > done) tasks.push({ apply: apply.slice(done, read.behind) })
    done = Math.max(done, read.behind)
    tasks.push({ query: [read] })
  }
  if (apply.length > done) tasks.push({ apply: done === 0 ? apply : apply.slice(done) })
  return tasks
}

/**
 * The tasks of a state machine, in their order. Commands that follow each other become one batch, and so do reads, up
 * to a bound.
 */
export class Tasks {
  readonly #most: number
  readonly #waiting: Task[] = []

  /** @param most commands, or reads, in one batch */
  constructor(most: number) {
    this.#most = most
  }

  add(task: Task): void {
    const last = this.#waiting.at(-1)
    if (last && 'apply' in last && 'apply' in task) for (const apply of task.apply) last.apply.push(apply)
    else if (last && 'query' in last && 'query' in task) for (const query of task.query) last.query.push(query)
    else this.#waiting.push(task)
  }

  next(): Task | undefined {
    const first = this.#waiting[0]
    if (first && 'apply' in first && first.apply.length > this.#most)
      return { apply: first.apply.splice(0, this.#most) }
    if (first && 'query' in first && first.query.length > this.#most)
      return { query: first.query.splice(0, this.#most) }
    return this.#waiting.shift()
  }
}
