import type { Foreigner, Greeting, Identity, Message, Network, PeerMember } from '../contracts.js'
import { GrpcLink } from './grpc-link.js'
import { loadProtos, Protos } from './grpc-protos.js'
import { GrpcServer } from './grpc-server.js'
import type { GrpcOptions } from './grpc-wire.js'
import { Links } from './links.js'
import { ownAddress } from './options.js'
import { Passport } from './passport.js'
import { Refusals } from './refusals.js'

/**
 * A network that carries messages over gRPC. Every pair of nodes has two streams, each on a connection of its own, made
 * by the side that sends, as over TCP. `peer.proto` defines the packets of a stream; the codec defines the bytes of a
 * message.
 */
export class GrpcNetwork implements Network {
  readonly #options: GrpcOptions
  readonly #links: Links<GrpcLink>
  readonly #server: GrpcServer
  readonly #passport: Passport

  constructor(options: GrpcOptions) {
    this.#options = options
    this.#passport = new Passport(options)
    const protos = new Protos(loadProtos(options.schemas, [options.schemas.peer]))
    const world = { ...options, passport: this.#passport, refusals: new Refusals(options) }
    this.#links = new Links(options, (peer) => new GrpcLink(peer, world, protos, () => this.#links.addressFor(peer)))
    this.#server = new GrpcServer(world, protos, this.#links)
  }

  /** Listens and opens the links. Rejects as `net.Server` does, with `EADDRINUSE` among others. */
  async start(
    receive: (message: Message) => void,
    meet?: (node: Foreigner) => void,
    greet?: (peer: Greeting) => void,
  ): Promise<void> {
    this.#passport.open(meet, greet)
    await this.#server.listen(ownAddress(this.#options), receive)
    this.#links.open()
  }

  send(message: Message): void {
    this.#links.send(message)
  }

  setIdentity(identity: Identity): void {
    this.#passport.set(identity)
  }

  setPeers(peers: readonly PeerMember[]): void {
    for (const id of this.#links.setPeers(peers)) this.#server.hangUpOn(id)
  }

  async stop(): Promise<void> {
    this.#links.close()
    await this.#server.close()
  }
}
