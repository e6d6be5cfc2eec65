import type { Address } from '../address.js'
import type { NodeParts } from '../assemble.js'
import type { Access } from '../network/access.js'
import type { Tracer } from '../trace/watch.js'
import { unreadiness } from './health.js'
import type { Measured, MetricsOptions } from './node-metrics.js'
import type { MetricsPort } from './port.js'

/** The metrics of a node that is about to be made. */
export interface Measuring {
  /** Hears every event and every step of the node; left out if nothing is measured. */
  readonly tracer?: Tracer
  /** The parts that stand around the node's log, files and codec, and hear the end of each turn. */
  readonly parts: Pick<NodeParts, 'aroundLog' | 'aroundFiles' | 'aroundCodec' | 'turned'>
  /** Serves the metrics and the health of the node from here on; to those who show a token, if tokens are demanded. */
  open(node: Measured & { readonly access?: Access | undefined }): Promise<void>
  /** Notes that the node is about to stop: it is not ready any more. */
  leave(): void
  close(): Promise<void>
}

/** Milliseconds for which a state is not told again: metrics ask for it themselves. */
const stateMs = 60_000

const nothing: Measuring = { parts: {}, open: async () => {}, leave: () => {}, close: async () => {} }

/** Makes the metrics of a node. Without an address nothing is loaded, nothing is measured, and nothing is served. */
export async function startMeasuring(address: Address | null, options: MetricsOptions): Promise<Measuring> {
  if (address === null) return nothing
  const [{ NodeMetrics }, { openMetricsPort }] = await Promise.all([import('./node-metrics.js'), import('./port.js')])
  const metrics = new NodeMetrics(options)
  let port: MetricsPort | undefined
  let isLeaving = false
  return {
    tracer: { tell: (event) => metrics.hear(event), hearsRequests: true, stateMs, choose: () => [] },
    parts: { ...metrics.around, turned: () => metrics.turned() },
    async open(node) {
      metrics.measure(node)
      port = await openMetricsPort(address, {
        contentType: metrics.contentType,
        metrics: () => metrics.text(),
        access: node.access,
        unreadiness: () => (isLeaving ? 'this node is stopping' : unreadiness(node.status())),
      })
    },
    leave() {
      isLeaving = true
    },
    async close() {
      metrics.stop()
      await port?.close()
    },
  }
}
