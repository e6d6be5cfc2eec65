import { credentials, loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import { protoPath } from 'grpc-health-check'
import type { Test } from 'tap'

type Health = 'SERVING' | 'NOT_SERVING' | 'UNKNOWN' | 'SERVICE_UNKNOWN'

interface Service {
  Check(request: object, done: (error: Error | null, reply: { status: Health }) => void): void
  Watch(
    request: object,
  ): AsyncIterable<{ status: Health }> & { cancel(): void; on(event: 'error', take: () => void): void }
  close(): void
}

/** A client of the health service, as a load balancer has one. */
export class HealthClient {
  readonly #service: Service

  constructor(t: Test, address: string) {
    const { grpc } = loadPackageDefinition(loadSync(protoPath, { enums: String, defaults: true })) as unknown as {
      grpc: { health: { v1: { Health: ServiceClientConstructor } } }
    }
    this.#service = new grpc.health.v1.Health(address, credentials.createInsecure()) as unknown as Service
    t.teardown(() => this.#service.close())
  }

  check(): Promise<Health> {
    return new Promise((resolve, reject) =>
      this.#service.Check({ service: '' }, (error, reply) => (error ? reject(error) : resolve(reply.status))),
    )
  }

  /** Watches until the server is in this state. */
  async until(wanted: Health): Promise<void> {
    const watch = this.#service.Watch({ service: 'raftroadmap.AppService' })
    watch.on('error', () => {})
    for await (const { status } of watch) if (status === wanted) break
    watch.cancel()
  }
}
