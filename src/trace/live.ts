import type { Clock, Event, PersistRecord, Traced, TraceEvent } from '../contracts.js'
import type { Tracer } from './watch.js'

/** Milliseconds of one slot of a live view, and the messages and writes of a node that are shown in each. */
const slotMs = 50
const [messagesPerSlot, writesPerSlot] = [24, 6]
/** Records of one write that a live view shows at most: the last ones. */
const mostRecords = 24

/** Steps that a live view leaves to the calls of its clients: they are many, and messages tell the same. */
const untold: ReadonlySet<string> = new Set(['request', 'answer', 'apply', 'query'])

/**
 * A sampler for somebody who looks on while a node works. Events for a person all pass; of states the first and the last
 * of a slot, of messages and writes only so many. It says how many messages were left out.
 */
export class LiveTrace implements Tracer {
  readonly hearsRequests = false
  readonly stateMs = slotMs
  readonly #clock: Pick<Clock, 'after'>
  readonly #tell: (event: Traced) => void
  #messages = 0
  #writes = 0
  #dropped = 0
  #synced: TraceEvent | null = null
  #isArmed = false

  constructor(clock: Pick<Clock, 'after'>, tell: (event: Traced) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  readonly tell = (event: Traced) => {
    if (untold.has(event.event)) return
    if ('message' in event && typeof event.message === 'object') return this.#takeMessage(event)
    if (event.event === 'synced' && this.#writes > writesPerSlot) {
      this.#synced = event as TraceEvent
      return
    }
    this.#tell(event)
  }

  /** Chooses the last records of a write. One that takes entries back is never left out: a log would look longer. */
  readonly choose = (records: readonly PersistRecord[]): readonly PersistRecord[] => {
    this.#arm()
    const takesBack = records.some(({ record }) => record === 'truncate' || record === 'snapshot')
    if (takesBack) return records
    return this.#writes++ < writesPerSlot ? records.slice(-mostRecords) : []
  }

  #takeMessage(event: Traced): void {
    this.#arm()
    if (this.#messages++ < messagesPerSlot) this.#tell(event)
    else if (event.event === 'send') this.#dropped++
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    this.#clock.after(slotMs, () => this.#endSlot())
  }

  #endSlot(): void {
    this.#isArmed = false
    const [synced, messages] = [this.#synced, this.#dropped]
    this.#messages = 0
    this.#writes = 0
    this.#dropped = 0
    this.#synced = null
    if (synced) this.#tell(synced)
    if (messages > 0) this.#tell({ event: 'not_drawn', messages } as Event | TraceEvent)
  }
}
