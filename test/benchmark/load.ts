import { createHistogram } from 'node:perf_hooks'
import { Connection, type Demand } from './connection.js'
import { type ProtocolName, protocols } from './protocols.js'
import type { RequestShape, RequestWriter } from './requests.js'

/** The load of one measurement. */
export interface LoadShape extends RequestShape {
  /** Each has {@link pipeline} requests in flight, and sends the next when an answer comes: a closed loop. */
  readonly clients: number
  /** The clients share them evenly. */
  readonly connections: number
  readonly pipeline: number
  /** The part of the requests that are gets, from 0 to 1; the others are sets. */
  readonly reads: number
  /** Every key has a value already. */
  readonly isFilled?: boolean
}

/** What came back within the measured time. */
export interface Tally {
  readonly operations: number
  /** How often each error code came instead of an answer. */
  readonly errors: Readonly<Record<string, number>>
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly p999: number; readonly max: number }
}

const nanosecondsInMs = 1e6
const longestLatencyNs = 60e9

/** Keeps one server busy, and counts. */
export class Load implements Demand {
  readonly #shape: LoadShape
  readonly #protocol: ProtocolName
  readonly #requests: RequestWriter
  readonly #latency = createHistogram({ lowest: 1, highest: longestLatencyNs, figures: 3 })
  readonly #errors = new Map<string, number>()
  readonly #filled: Promise<void>
  #noteFilled = () => {}
  /** Keys written once already; until all are, every request is the set of the next one, so that no get finds nothing. */
  #keysFilled = 0
  #operations = 0

  constructor(shape: LoadShape, protocol: ProtocolName) {
    this.#shape = shape
    this.#protocol = protocol
    this.#requests = protocols[protocol].requests(shape)
    this.#filled = new Promise((resolve) => {
      this.#noteFilled = resolve
    })
    if (!shape.isFilled) return
    this.#keysFilled = shape.keys
    this.#noteFilled()
  }

  /**
   * Connects, begins and resolves once every key has a value; the load goes on until the process ends.
   *
   * @param addresses the connections share them evenly
   * @param onLost the server closed a connection: there is nothing left to measure
   */
  async start(addresses: readonly { host: string; port: number }[], onLost: (reason: string) => void): Promise<void> {
    const { clients, connections, pipeline } = this.#shape
    const { dialogue } = protocols[this.#protocol]
    const all = Array.from({ length: connections }, (_, position) => {
      const share = Math.floor((clients + connections - 1 - position) / connections)
      return new Connection(this, share * pipeline, dialogue, addresses[position % addresses.length]!, onLost)
    })
    await Promise.all(all.map((connection) => connection.connected))
    for (const connection of all) connection.begin()
    await this.#filled
  }

  get requestBytes(): number {
    return this.#requests.maxBytes
  }

  /** Forgets what was counted so far. */
  reset(): void {
    this.#operations = 0
    this.#errors.clear()
    this.#latency.reset()
  }

  tally(): Tally {
    const ms = (percent: number) => this.#latency.percentile(percent) / nanosecondsInMs
    const latencyMs = { p50: ms(50), p99: ms(99), p999: ms(99.9), max: this.#latency.max / nanosecondsInMs }
    return { operations: this.#operations, errors: Object.fromEntries(this.#errors), latencyMs }
  }

  /** Writes the next request. @returns where it ends */
  writeNext(into: Buffer, at: number, id: number): number {
    if (this.#keysFilled < this.#shape.keys) {
      const end = this.#requests.writeSet(into, at, id, this.#keysFilled++)
      if (this.#keysFilled === this.#shape.keys) this.#noteFilled()
      return end
    }
    const key = Math.floor(Math.random() * this.#shape.keys)
    if (this.#shape.reads > 0 && Math.random() < this.#shape.reads) {
      return this.#requests.writeGet(into, at, id, key)
    }
    return this.#requests.writeSet(into, at, id, key)
  }

  count(latencyMs: number, error: string | null): void {
    if (error !== null) {
      this.#errors.set(error, (this.#errors.get(error) ?? 0) + 1)
      return
    }
    this.#operations++
    this.#latency.record(Math.max(1, Math.round(latencyMs * nanosecondsInMs)))
  }
}
