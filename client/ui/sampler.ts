import type { Message } from '../../src/contracts.js'
import type { TraceLine } from '../../src/trace/fold.js'

/** Events of a kind that pass in a second when there are many, and how many more pass at once after a quiet time. */
const [perSecond, burst] = [150, 1_500]
/** Messages whose arrival is waited for, at most. */
const mostAwaited = 2_000

/** The rate of one kind of events. */
class Rate {
  #left = burst
  #at = 0

  /** True if it was quiet lately. */
  get isQuiet(): boolean {
    return this.#left > burst / 2
  }

  passes(at: number): boolean {
    this.#left = Math.min(burst, this.#left + (Math.max(0, at - this.#at) * perSecond) / 1_000)
    this.#at = at
    if (this.#left < 1) return false
    this.#left--
    return true
  }
}

/** A sampler of a run that has no end: of very many messages and writes some are shown, so that the past reaches further. */
export class Sampler {
  readonly #sends = new Rate()
  readonly #writes = new Rate()
  readonly #syncs = new Rate()
  /** Messages that were seen to leave, by their names. */
  readonly #awaited = new Set<string>()
  /** The last sync of each node that was left out: how far its disk is. */
  readonly #late = new Map<string, TraceLine>()
  #dropped = 0

  /** Checks whether an event is shown. */
  takes(line: TraceLine): boolean {
    const { event, at = 0, node = '' } = line
    const message = line.message as Sequenced | undefined
    if (typeof message === 'object') return isRoutine(message) ? this.#takesMessage(line, message, at) : true
    if (event === 'write') return takesBack(line) || this.#writes.passes(at)
    if (event !== 'synced') return true
    const isShown = this.#syncs.passes(at)
    if (isShown) this.#late.delete(node)
    else this.#late.set(node, line)
    return isShown
  }

  /** Gives what stands for the events that were left out since last time. */
  *rest(): Generator<TraceLine> {
    yield* this.#late.values()
    this.#late.clear()
    if (this.#dropped > 0) yield { event: 'not_drawn', messages: this.#dropped }
    this.#dropped = 0
  }

  /** Chooses messages when they leave; a message that arrives is shown if it was seen to leave. */
  #takesMessage({ event }: TraceLine, message: Sequenced, at: number): boolean {
    const name = JSON.stringify([message.from, message.to, message.type, message.term, message.sequence])
    if (event !== 'send') return this.#awaited.delete(name) || this.#sends.isQuiet
    if (!this.#sends.passes(at)) {
      this.#dropped++
      return false
    }
    this.#awaited.add(name)
    if (this.#awaited.size > mostAwaited) this.#awaited.delete(this.#awaited.values().next().value!)
    return true
  }
}

type Sequenced = Message & { readonly sequence?: unknown }

/** Checks whether a message is one of those that are many under load; votes and snapshots are few, and worth a look. */
const isRoutine = ({ type }: Message) => /^(AppendEntries|Replicate)/.test(type)

/** Checks whether a write takes entries back: without it a log would look longer than it is. */
function takesBack({ records }: TraceLine): boolean {
  return (records as readonly { readonly record: string }[]).some(({ record }) => record !== 'entry')
}
