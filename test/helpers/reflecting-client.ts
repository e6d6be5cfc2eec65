import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type Metadata,
  type ServiceClientConstructor,
} from '@grpc/grpc-js'
import { loadFileDescriptorSetFromBuffer, loadSync } from '@grpc/proto-loader'
import type { Test } from 'tap'

type Fields = Record<string, unknown>
type Clients = readonly Record<string, (...args: unknown[]) => unknown>[]

interface Answer {
  readonly list_services_response?: { readonly service: readonly { readonly name: string }[] }
  readonly file_descriptor_response?: { readonly file_descriptor_proto: readonly Buffer[] }
}

/** A client of gRPC that has no `.proto` file of ours: it asks the server what there is, as grpcurl does. */
export class ReflectingClient {
  readonly services: readonly string[]
  readonly #services: readonly ServiceClientConstructor[]
  readonly #clients: Clients

  static async connect(t: Test, address: string): Promise<ReflectingClient> {
    const folder = dirname(createRequire(import.meta.url).resolve('@grpc/reflection/package.json'))
    const form = { keepCase: true, longs: Number, oneofs: true }
    const file = join(folder, 'build', 'proto', 'grpc', 'reflection', 'v1', 'reflection.proto')
    const { grpc } = loadPackageDefinition(loadSync(file, form)) as unknown as {
      grpc: { reflection: { v1: { ServerReflection: ServiceClientConstructor } } }
    }
    const reflection = new grpc.reflection.v1.ServerReflection(address, credentials.createInsecure())
    const stream = (reflection as unknown as { ServerReflectionInfo(): Stream<Answer> }).ServerReflectionInfo()
    const ask = (request: Fields) =>
      new Promise<Answer>((resolve, reject) => {
        stream.once('data', resolve)
        stream.once('error', reject)
        stream.write(request)
      })
    const { list_services_response: list } = await ask({ list_services: '' })
    const services = list!.service.map(({ name }) => name)
    const files = new Map<string, Buffer>()
    for (const name of services) {
      const { file_descriptor_response: found } = await ask({ file_containing_symbol: name })
      for (const one of found?.file_descriptor_proto ?? []) files.set(one.toString('latin1'), one)
    }
    stream.end()
    reflection.close()
    const definitions = loadFileDescriptorSetFromBuffer(Buffer.concat([...files.values()].map(asField)), form)
    const root = loadPackageDefinition(definitions)
    const found = services.map(
      (name) =>
        name.split('.').reduce<unknown>((part, step) => (part as Fields)[step], root) as ServiceClientConstructor,
    )
    return new ReflectingClient(services, found, []).at(t, address)
  }

  private constructor(services: readonly string[], found: readonly ServiceClientConstructor[], clients: Clients) {
    this.services = services
    this.#services = found
    this.#clients = clients
  }

  /** Makes one call. */
  call(rpc: string, request: Fields = {}, metadata?: Metadata): Promise<Fields> {
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, reply: Fields) => (error ? reject(error) : resolve(reply))
      const options = { deadline: Date.now() + 20_000 }
      this.#with(rpc)[rpc]!(request, ...(metadata ? [metadata] : []), options, done)
    })
  }

  /** Opens a stream of calls. */
  stream(rpc: string, metadata?: Metadata): Stream<Fields> {
    return this.#with(rpc)[rpc]!(...(metadata ? [metadata] : [])) as Stream<Fields>
  }

  /** The same services at another address, which need not answer reflection. */
  at(t: Test, address: string): ReflectingClient {
    const clients = this.#services.map((Service) => new Service(address, credentials.createInsecure()))
    t.teardown(() => clients.forEach((client) => void client.close()))
    return new ReflectingClient(this.services, this.#services, clients as unknown as Clients)
  }

  #with(rpc: string) {
    const client = this.#clients.find((one) => typeof one[rpc] === 'function')
    if (!client) throw new Error(`no service has ${rpc}: ${this.services.join(', ')}`)
    return client
  }
}

type Stream<T> = ClientDuplexStream<Fields, T>

/** One file of a FileDescriptorSet: its field 1, with the length of the bytes. */
function asField(bytes: Buffer): Buffer {
  const head = [0x0a]
  for (let left = bytes.length; ; left = Math.floor(left / 128)) {
    head.push(left < 128 ? left : (left % 128) + 128)
    if (left < 128) return Buffer.concat([Buffer.from(head), bytes])
  }
}
