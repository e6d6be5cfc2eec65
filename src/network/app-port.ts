import { ReflectionService } from '@grpc/reflection'
import { HealthImplementation, type ServingStatusMap } from 'grpc-health-check'
import { parseAddress } from '../address.js'
import type { Clock, Event, Status } from '../contracts.js'
import { askSchema, askTypes } from './ask-schema.js'
import { askHandler } from './ask-stream.js'
import { connectionLimits } from './connection-limits.js'
import { clientServices, type Served } from './grpc-app.js'
import { GrpcPort } from './grpc-port.js'
import { Protos, type Schemas } from './grpc-protos.js'
import type { NodeTls } from './tls.js'

/** Milliseconds between two looks at the node's health. */
const healthMs = 250

export interface AppPortOptions extends Served {
  readonly schemas: Schemas
  readonly clock: Clock
  readonly notice: (event: Event) => void
  /** The node's certificate, where TLS is spoken. */
  readonly tls?: NodeTls | undefined
  /** Reads the status of the node that serves. */
  readonly status: () => Status
}

/** A port for the services of gRPC. */
export interface AppPort {
  close(): Promise<void>
}

/**
 * Opens a port for clients that speak gRPC, whatever the nodes speak with each other: a call for each command, a stream
 * of calls, reflection, and health. A node is healthy while it knows a leader.
 */
export async function openAppPort(options: AppPortOptions, address: string): Promise<AppPort> {
  const { schemas, clock, notice, tls } = options
  const dropped = (remote: string | undefined, reason: string) => notice({ event: 'client_dropped', remote, reason })
  const gate = tls?.gateFor('clients over h2')
  const port = new GrpcPort({ clock, limit: connectionLimits().apps, gate, dropped, turnedAway: dropped })
  const definitions = askSchema(options, schemas)
  const protos = new Protos(definitions)
  const ask = askHandler(options, port.calls, protos)
  for (const [service, handlers] of clientServices(options, schemas, port.calls, protos))
    port.server.addService(service, handlers)
  for (const service of protos.services) {
    const stream = service[askTypes.rpc]
    if (stream)
      port.server.addService(
        { [askTypes.rpc]: { ...stream, requestDeserialize: (bytes: Buffer) => bytes } },
        { [askTypes.rpc]: ask },
      )
  }
  new ReflectionService(definitions).addToServer(port.server)
  const names = ['', ...Object.keys(definitions).filter((name) => !('format' in definitions[name]!))]
  const health = new HealthImplementation(statusMap(names, 'NOT_SERVING'))
  health.addToServer(port.server)
  await port.listen(parseAddress(address)!)
  const cancel = watch(options, (isHealthy) => {
    for (const name of names) health.setStatus(name, isHealthy ? 'SERVING' : 'NOT_SERVING')
  })
  return {
    async close() {
      cancel()
      await port.close()
    },
  }
}

const statusMap = (names: readonly string[], status: 'NOT_SERVING'): ServingStatusMap =>
  Object.fromEntries(names.map((name) => [name, status]))

/** Looks at the node's health again and again, and tells each change. @returns ends that */
function watch({ clock, status }: AppPortOptions, tell: (isHealthy: boolean) => void): () => void {
  let [was, cancel] = [false, () => {}]
  const look = () => {
    const { role, leader } = status()
    const is = role === 'standalone' || leader !== null
    if (is !== was) tell(is)
    was = is
    cancel = clock.after(healthMs, look)
  }
  look()
  return () => cancel()
}
