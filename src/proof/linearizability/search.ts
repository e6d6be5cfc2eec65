import { orderOf } from './configuration.js'
import type { Operation } from './history.js'
import { freshCharacter } from './initial.js'
import type { State } from './model.js'
import { type Budget, type Checkpoint, Sweep } from './sweep.js'
import { timelineOf } from './timeline.js'

export type SearchResult =
  | { readonly verdict: 'linearizable'; readonly order: readonly Operation[]; readonly steps: number }
  | {
      readonly verdict: 'violation'
      /** A legal order of the beginning that the search could explain. */
      readonly order: readonly Operation[]
      /** The operation at whose return the search had to give up. */
      readonly suspected: Operation
      readonly steps: number
    }
  | { readonly verdict: 'undecided'; readonly steps: number }

/** Configurations that are kept as long as one of them leads on. */
const narrow = 2
/** Calls and returns between two checkpoints. */
const checkpointInterval = 16

/**
 * Decides whether one key's operations are linearizable, from any of some initial states.
 *
 * This is Wing and Gong's search with Lowe's memoisation and just-in-time linearization, done breadth first: it goes
 * through the calls and returns in order and keeps configurations, that is, pairs of (what became of the open
 * operations, state) which explain all answers so far. An operation is put in the order only when it must be: when
 * an operation returns, those are ordered that have to come before it, and then it itself.
 *
 * As long as a few configurations lead on, only the most promising ones are kept: one that is left at the end is
 * proof enough that the key is linearizable. If none is left, that proves nothing unless all had been kept; so the
 * search goes back some way and passes the same place with more of them, further back and with more each time, at
 * last from the beginning and with all.
 *
 * Exponential in the number of open operations at worst, since the problem is NP-complete (Gibbons and Korach 1997);
 * the reductions keep it near linear in the length of a history as systems produce them. One step is one operation
 * tried in one configuration; after the budget's steps, or with its bytes held, the answer is `undecided`.
 *
 * `isContradictory` may know a shorter proof than trying everything from the beginning. It is asked at a return that
 * wider and wider attempts did not get past; it may say so only if no order explains what had been called by then.
 */
export function search(
  operations: readonly Operation[],
  initialStates: Iterable<State>,
  budget: Budget,
  isContradictory: (suspected: Operation) => boolean = () => false,
): SearchResult {
  const timeline = timelineOf(operations)
  const { moments } = timeline
  const sweep = new Sweep(timeline, initialStates, freshCharacter(operations), budget)
  const retreat = new Retreat(sweep)
  while (sweep.position < moments.length) {
    retreat.mark()
    const last = sweep.configurations[0]
    sweep.advance()
    const { steps } = sweep
    if (sweep.isSpent) return { verdict: 'undecided', steps }
    if (sweep.configurations.length > 0) continue
    const suspected = moments[sweep.position]!.entry.operation
    if (!sweep.isIncomplete || (retreat.isStuck && isContradictory(suspected))) {
      return { verdict: 'violation', order: orderOf(last?.trace), suspected, steps }
    }
    retreat.back()
  }
  return { verdict: 'linearizable', order: orderOf(sweep.configurations[0]?.trace), steps: sweep.steps }
}

/** Leads a sweep back from a place where too few configurations were kept, and lets it pass there with more. */
class Retreat {
  readonly #sweep: Sweep
  readonly #checkpoints: Checkpoint[] = []
  /** The furthest place where no configuration was left. */
  #obstacle = -1
  #attempts = 0

  constructor(sweep: Sweep) {
    this.#sweep = sweep
    sweep.width = narrow
  }

  /** Saves a checkpoint now and then; must be called before each moment. */
  mark(): void {
    const { position } = this.#sweep
    if (position > this.#obstacle) this.#sweep.width = narrow
    if (position % checkpointInterval > 0) return
    const at = position / checkpointInterval
    const checkpoint = this.#sweep.save()
    this.#sweep.saved += checkpoint.configurations.length - (this.#checkpoints[at]?.configurations.length ?? 0)
    this.#checkpoints[at] = checkpoint
  }

  /** True when exactly three attempts have failed at this place: then another proof is asked for. */
  get isStuck(): boolean {
    return this.#sweep.position === this.#obstacle && this.#attempts === 3
  }

  back(): void {
    const { position } = this.#sweep
    this.#attempts = position > this.#obstacle ? 1 : this.#attempts + 1
    this.#obstacle = Math.max(this.#obstacle, position)
    const distance = 2 ** this.#attempts
    const checkpoint = Math.max(0, Math.floor(position / checkpointInterval) - distance)
    this.#sweep.width = checkpoint === 0 ? Infinity : narrow * 4 ** this.#attempts
    this.#sweep.restore(this.#checkpoints[checkpoint]!)
  }
}
