import type { Clock, Event, Message, Traced, TraceEvent } from '../contracts.js'

/** Milliseconds of one slot of a live view, and the messages and writes of a node that are shown in each. */
const slotMs = 50
const [messagesPerSlot, writesPerSlot] = [24, 6]
/** Records of one write that a live view shows at most: the last ones. */
const mostRecords = 24

/** Steps that a live view leaves to the calls of its clients: they are many, and messages tell the same. */
const untold: ReadonlySet<string> = new Set(['request', 'answer', 'apply', 'query'])

/**
 * A sampler for somebody who looks on while a node works. Events for a person all pass. Of states the latest of a slot
 * passes, unless another node leads or the role or term is another; of messages and writes only so many a slot. It says
 * how many messages were left out.
 */
export class LiveTrace {
  readonly #clock: Pick<Clock, 'after'>
  readonly #tell: (event: Traced) => void
  #messages = 0
  #writes = 0
  #dropped = 0
  #synced: TraceEvent | null = null
  #state: TraceEvent | null = null
  #shown = ''
  #isArmed = false

  constructor(clock: Pick<Clock, 'after'>, tell: (event: Traced) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  take(event: Traced): void {
    if (untold.has(event.event)) return
    if (event.event === 'state') return this.#takeState(event as TraceEvent & { event: 'state' })
    if ('message' in event && typeof event.message === 'object') return this.#takeMessage(event)
    if (event.event === 'write') return this.#takeWrite(event as TraceEvent & { event: 'write' })
    if (event.event === 'synced' && this.#writes >= writesPerSlot) {
      this.#synced = event as TraceEvent
      return
    }
    this.#tell(event)
  }

  #takeState(event: TraceEvent & { event: 'state' }): void {
    const { role, leader, term } = event
    const headline = `${role} ${leader} ${term}`
    if (headline !== this.#shown) {
      this.#shown = headline
      this.#state = null
      return this.#tell(event)
    }
    this.#state = event
    this.#arm()
  }

  #takeMessage(event: Traced): void {
    this.#arm()
    if (this.#messages++ < messagesPerSlot) this.#tell(withoutContents(event))
    else if (event.event === 'send') this.#dropped++
  }

  #takeWrite(event: TraceEvent & { event: 'write' }): void {
    this.#arm()
    // A record that takes entries back is never left out: a log would look longer than it is.
    const takesBack = event.records.some(({ record }) => record === 'truncate' || record === 'snapshot')
    if (this.#writes++ >= writesPerSlot && !takesBack) return
    const records = event.records.length > mostRecords && !takesBack ? event.records.slice(-mostRecords) : event.records
    this.#tell({ ...event, records })
  }

  #arm(): void {
    if (this.#isArmed) return
    this.#isArmed = true
    this.#clock.after(slotMs, () => this.#endSlot())
  }

  #endSlot(): void {
    this.#isArmed = false
    const [state, synced, messages] = [this.#state, this.#synced, this.#dropped]
    this.#messages = 0
    this.#writes = 0
    this.#dropped = 0
    this.#state = null
    this.#synced = null
    if (synced) this.#tell(synced)
    if (state) this.#tell(state)
    if (messages > 0) this.#tell({ event: 'not_drawn', messages } as Event | TraceEvent)
  }
}

/**
 * Makes an event whose message names its entries only: their contents are in the writes. Bytes of snapshots are left
 * out.
 */
export function withoutContents<Kind extends Traced>(event: Kind): Kind {
  const { message } = event as { readonly message?: Message }
  if (typeof message !== 'object' || (!message.entries && !message.data)) return event
  const { data, entries, ...fields } = message
  const ids = entries && { entries: entries.map(({ index, term }) => ({ index, term })) }
  return { ...event, message: { ...fields, ...ids, ...(data && { bytesHere: data.length }) } }
}
