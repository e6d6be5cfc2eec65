/** The metrics of a node, as Prometheus reads them. This file loads `prom-client`, and is loaded with the port alone. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Answer, Codec, LogStore, Status, Traced } from '../contracts.js'
import type { ClientLoad } from '../network/client-port.js'
import type { Files } from '../storage/files.js'
import { timedFiles, timedLog } from './around.js'
import { statusGauges } from './gauges.js'
import { MessageCounts } from './message-counts.js'

export interface MetricsOptions {
  /** Labels of every metric: the node's name, the cluster's. None ever comes from a client. */
  readonly labels: Readonly<Record<string, string>>
  /** The types of the stage's messages. */
  readonly messageTypes: readonly string[]
}

/** A node as its metrics see it. */
export interface Measured {
  status(): Status
  /** Reads what the clients of the node hold. */
  load(): ClientLoad
  /** Reads until when the node's certificate is valid, in milliseconds of wall-clock time; undefined without TLS. */
  certificateUntil?(): number | undefined
}

/** Seconds of work on a disk, from a fast one's sync to one that stands still. */
const diskBuckets = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10]
const snapshotBuckets = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const prefix = 'raft_roadmap_'
const certificate = {
  name: 'certificate_expiry_timestamp_seconds',
  help: "Unix time at which the node's certificate, or one above it, expires.",
}
/** Steps that only a trace holds; they are no events of their own. */
const steps: ReadonlySet<string> = new Set([
  ...['request', 'receive', 'send', 'apply', 'query', 'restore', 'answer'],
  ...['trace', 'state', 'recovered', 'write', 'synced', 'cut'],
])

export class NodeMetrics {
  readonly #registry = new Registry()
  readonly #messages: MessageCounts
  readonly #append = this.#histogram('log_append_seconds', 'Until a batch of the log is durable.', diskBuckets)
  readonly #sync = this.#histogram('log_fsync_seconds', 'Until one write is on the disk.', diskBuckets)
  readonly #save = this.#histogram('snapshot_save_seconds', 'Until a snapshot is durable.', snapshotBuckets)
  readonly #requests = this.#histogram('request_seconds', 'From a request to its answer.', diskBuckets, ['outcome'])
  readonly #events = this.#counter('events_total', 'Events that the node has reported.', ['event'])
  readonly #leaders = this.#counter('leader_changes_total', 'Times that this node has seen another leader or term.')
  readonly #performed = this.#counter('entries_performed_total', 'Entries that were performed.')
  readonly #queries = this.#counter('queries_total', 'Reads that the state machine has answered.')
  readonly #sent = this.#counter('messages_sent_total', 'Messages to other nodes that left.', ['type'])
  readonly #sentBytes = this.#counter('messages_sent_bytes_total', 'Bytes of messages that left.', ['type'])
  readonly #received = this.#counter('messages_received_total', 'Messages of other nodes.', ['type'])
  readonly #undelivered = this.#counter(
    'messages_undelivered_total',
    'Messages that were lost before they left: no link, or too much waits for it.',
    ['type'],
  )
  readonly #role = this.#gauge('role', 'The role of the node, which has the value 1.', ['role'])
  readonly #waiting = this.#gauge('waiting_requests', 'Requests that wait for their answers.')
  readonly #connections = this.#gauge('client_connections', 'Connections of clients.')
  readonly #untaken = this.#gauge('client_answer_bytes', 'Bytes of answers that clients have not taken.')
  readonly #shown = new Map<string, Gauge>()
  /** The moment of each request that waits for its answer, by its number. */
  readonly #asked = new Map<number, number>()
  #measured: Measured | null = null
  #leader: { readonly leader: string; readonly term: number } | null = null
  /** True if something was heard after which another may lead. */
  #mayDiffer = true
  /** The text that is being made, which all who ask meanwhile get. */
  #making: Promise<string> | null = null

  constructor({ labels, messageTypes }: MetricsOptions) {
    this.#messages = new MessageCounts(messageTypes)
    this.#registry.setDefaultLabels({ ...labels })
    collectDefaultMetrics({ register: this.#registry, prefix })
  }

  #histogram(name: string, help: string, buckets: number[], labelNames: string[] = []): Histogram {
    return new Histogram({ name: `${prefix}${name}`, help, buckets, labelNames, registers: [this.#registry] })
  }

  #counter(name: string, help: string, labelNames: string[] = []): Counter {
    return new Counter({ name: `${prefix}${name}`, help, labelNames, registers: [this.#registry] })
  }

  #gauge(name: string, help: string, labelNames: string[] = []): Gauge {
    return new Gauge({ name: `${prefix}${name}`, help, labelNames, registers: [this.#registry] })
  }

  /** Names the node whose status is read from here on. */
  measure(measured: Measured): void {
    this.#measured = measured
  }

  /** The parts that stand around the node's log, files and codec. */
  readonly around = {
    aroundLog: (log: LogStore): LogStore =>
      timedLog(
        log,
        (seconds) => this.#append.observe(seconds),
        (seconds) => this.#save.observe(seconds),
      ),
    aroundFiles: (files: Files): Files => timedFiles(files, (seconds) => this.#sync.observe(seconds)),
    aroundCodec: (codec: Codec): Codec => this.#messages.around(codec),
  }

  /** Hears every event and every step of the node. */
  hear(event: Traced): void {
    if (!steps.has(event.event)) {
      this.#mayDiffer = true
      return this.#events.inc({ event: event.event })
    }
    if (event.event === 'receive') this.#mayDiffer ||= event.message.term !== this.#leader?.term
    if (event.event === 'request') this.#asked.set(event.request, performance.now())
    else if (event.event === 'answer') this.#answered(event.request, event.answer)
    else if (event.event === 'apply') this.#performed.inc()
    else if (event.event === 'query') this.#queries.inc()
    else this.#messages.hear(event)
  }

  #answered(request: number, answer: Answer): void {
    const began = this.#asked.get(request)
    if (began === undefined) return
    this.#asked.delete(request)
    const outcome = answer.ok ? 'done' : answer.error.definite ? 'refused' : 'unknown'
    this.#requests.observe({ outcome }, (performance.now() - began) / 1_000)
  }

  /**
   * Ends a turn of the node: another leader is counted, however shortly it leads. A status is read only after a message
   * of another term, or an event of the node: within a term there is one leader.
   */
  turned(): void {
    if (!this.#mayDiffer || !this.#measured) return
    const { leader, term = 0 } = this.#measured.status()
    if (leader === null) return
    this.#mayDiffer = false
    const before = this.#leader
    if (before && (before.leader !== leader || before.term !== term)) this.#leaders.inc()
    this.#leader = { leader, term }
  }

  /** The type of the text's content, for HTTP. */
  get contentType(): string {
    return this.#registry.contentType
  }

  /** Writes all metrics down as they are now. */
  text(): Promise<string> {
    this.#making ??= this.#make().finally(() => {
      this.#making = null
    })
    return this.#making
  }

  #make(): Promise<string> {
    this.#waiting.set(this.#asked.size)
    if (this.#measured) this.#readNode(this.#measured)
    for (const [type, { left, bytes, received, undelivered }] of this.#messages.read()) {
      set(this.#sent, type, left)
      set(this.#sentBytes, type, bytes)
      set(this.#received, type, received)
      set(this.#undelivered, type, undelivered)
    }
    return this.#registry.metrics()
  }

  #readNode(node: Measured): void {
    const [status, load] = [node.status(), node.load()]
    this.#role.reset()
    this.#role.set({ role: status.role }, 1)
    this.#connections.set(load.connections)
    this.#untaken.set(load.answerBytes)
    for (const { name, help, read } of statusGauges) this.#show(name, help, read(status))
    const until = node.certificateUntil?.()
    this.#show(certificate.name, certificate.help, until && until / 1_000)
  }

  /** Sets a gauge, which is there from its first value on. */
  #show(name: string, help: string, value: number | undefined): void {
    if (value === undefined) return
    const gauge = this.#shown.get(name) ?? this.#gauge(name, help)
    this.#shown.set(name, gauge)
    gauge.set(value)
  }

  stop(): void {
    this.#registry.clear()
  }
}

/** Sets a counter that is kept elsewhere. */
function set(counter: Counter, type: string, value: number): void {
  counter.remove({ type })
  counter.inc({ type }, value)
}
