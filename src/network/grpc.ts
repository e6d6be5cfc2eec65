import { Client, credentials } from '@grpc/grpc-js'
import type { Member, Message, Network, NodeId } from '../contracts.js'
import { formatAddress, parseAddress } from './address.js'
import { GrpcLink } from './grpc-link.js'
import { Protos, peerProto } from './grpc-protos.js'
import { GrpcServer } from './grpc-server.js'
import { channelOptions, type GrpcOptions } from './grpc-wire.js'

/**
 * Messages between nodes over gRPC. Every pair has two streams, each on a connection of its own and made by the side
 * that sends, as over TCP; `peer.proto` says what is on them. What a message's bytes are is the codec's matter.
 */
export class GrpcNetwork implements Network {
  readonly #options: GrpcOptions
  readonly #server: GrpcServer
  readonly #links = new Map<NodeId, GrpcLink>()

  constructor(options: GrpcOptions) {
    this.#options = options
    const protos = new Protos([peerProto])
    this.#server = new GrpcServer(options, protos)
    for (const member of options.members) {
      if (member.id === options.self) continue
      const address = `dns:${formatAddress(parseAddress(member.peer)!)}`
      const client = new Client(address, credentials.createInsecure(), channelOptions)
      this.#links.set(member.id, new GrpcLink(member, options, protos.message('Packet'), client))
    }
  }

  /** Rejects as `net.Server` does, with `EADDRINUSE` among others. */
  async start(receive: (message: Message) => void): Promise<void> {
    const own = this.#options.members.find((member) => member.id === this.#options.self)!
    await this.#server.listen(parseAddress(own.peer)!, receive)
    for (const link of this.#links.values()) link.connect()
  }

  send(message: Message): void {
    this.#links.get(message.to)?.send(message)
  }

  setPeers(_peers: readonly Member[]): void {}

  async stop(): Promise<void> {
    for (const link of this.#links.values()) link.close()
    await this.#server.close()
  }
}
