import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import { type Address, formatAddress } from '../address.js'
import type { Foreigner, Greeting, Identity, Message, Network, NodeId, PeerMember } from '../contracts.js'
import { oneLine, quoted } from '../text.js'
import { clusterHash, type Datagram, decodeDatagram, encodeDatagram } from './datagrams.js'
import { guestFragments } from './fragments.js'
import { parseStranger } from './json-shape.js'
import { Links } from './links.js'
import { ownAddress } from './options.js'
import { DoubleError, identityIn, Passport } from './passport.js'
import { ProtocolError, type Release, releaseIn } from './protocols.js'
import { Refusals } from './refusals.js'
import { type LocalEnd, UdpLink, type UdpOptions } from './udp-link.js'

/** Bytes that the kernel is asked to buffer in each direction; it gives less where the system's limit is lower. */
const socketBufferBytes = 1024 * 1024
/** Bytes that may wait in this process for a kernel whose buffer is full. */
const sendQueueBytes = 256 * 1024

/**
 * A network that carries messages over UDP: nothing is connected, nothing is sent again, and a lost datagram stays
 * lost.
 *
 * The network is for the laboratory: **nobody is authenticated**. A datagram is believed when its source address,
 * cluster, names and checksum are right, and anybody who can put packets on the network can write all four.
 */
export class UdpNetwork implements Network {
  readonly #options: UdpOptions
  readonly #cluster: string
  readonly #links: Links<UdpLink>
  readonly #refusals: Refusals
  readonly #passport: Passport
  #socket: Socket | null = null
  #local: LocalEnd | null = null
  #stopped = false

  constructor(options: UdpOptions) {
    this.#options = options
    this.#passport = new Passport(options)
    this.#cluster = clusterHash(options.cluster)
    this.#links = new Links(options, (peer) => new UdpLink(peer, this.#local!, this.#links, options))
    this.#refusals = new Refusals(options)
  }

  async start(
    receive: (message: Message) => void,
    meet?: (node: Foreigner) => void,
    greet?: (peer: Greeting) => void,
  ): Promise<void> {
    this.#passport.open(meet, greet)
    const own = ownAddress(this.#options)
    const { address, family } = await lookup(own.host)
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      // Peers' names are looked up once, not for every datagram.
      lookup: (host, _options, done) => done(null, host, family),
    })
    await bound(socket, own.port, address)
    // The kernel says why it could not send now and then; the datagram is lost either way.
    socket.on('error', () => {})
    if (this.#stopped) return void socket.close()
    raiseBuffers(socket)
    this.#socket = socket
    socket.on('message', (bytes, remote) => this.#arrived(bytes, remote, receive))
    this.#local = this.#localEnd(socket, family === 6 ? 6 : 4)
    this.#links.open()
  }

  #localEnd(socket: Socket, family: 4 | 6): LocalEnd {
    return {
      session: Math.floor(this.#options.random.next() * 2 ** 32),
      cluster: this.#cluster,
      guests: guestFragments(),
      passport: this.#passport,
      family,
      get isBusy() {
        return socket.getSendQueueSize() > sendQueueBytes
      },
      send: (bytes: Buffer, { host, port }: Address) => socket.send(bytes, port, host, () => {}),
    }
  }

  send(message: Message): void {
    this.#links.send(message)
  }

  setIdentity(identity: Identity): void {
    this.#passport.set(identity)
  }

  setPeers(peers: readonly PeerMember[]): void {
    this.#links.setPeers(peers)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    this.#links.close()
    const socket = this.#socket
    if (!socket) return
    this.#socket = null
    await new Promise<void>((resolve) => socket.close(resolve))
  }

  #arrived(bytes: Buffer, remote: RemoteInfo, receive: (message: Message) => void): void {
    let peer: NodeId | null = null
    const messages: Message[] = []
    try {
      const datagram = decodeDatagram(bytes, this.#passport.protocols.own.protocols)
      const link = this.#senderOf(datagram, remote)
      peer = datagram.from
      for (const message of link?.take(datagram) ?? []) messages.push(this.#decode(message, peer))
    } catch (error) {
      this.#refuse(peer, remote, (error as Error).message)
    }
    for (const message of messages) if (!this.#stopped) receive(message)
  }

  /**
   * Finds the link to a datagram's sender. @returns undefined while the sender's address is not looked up; it will say
   * hello again
   */
  #senderOf(datagram: Datagram, remote: RemoteInfo): UdpLink | undefined {
    const { cluster, kind, from, to } = datagram
    if (cluster !== this.#cluster) throw new Error('it belongs to another cluster')
    if (to !== this.#options.self) throw new Error(`it is looking for ${quoted(to)}`)
    const said = kind === 'data' || kind === 'answer' ? undefined : jsonIn(datagram.payload)
    const identity = kind === 'data' || kind === 'answer' ? null : identityIn(said)
    const isGreeting = kind === 'hello' || kind === 'callback'
    if (isGreeting) this.#checkRelease(datagram, remote, releaseIn(said))
    if (identity && this.#passport.refuses(from, identity)) return void this.#refuseForeign(datagram, remote)
    const isThere = ({ address }: UdpLink) => address?.host === remote.address && address.port === remote.port
    const links = this.#links.all(from)
    const hello = kind === 'hello' ? formatAddress({ host: remote.address, port: remote.port }) : null
    const known = links.find(isThere) ?? (identity ? undefined : links[0])
    const link = known ?? this.#links.welcome(from, hello, identity?.incarnation)
    if (!link.address) return undefined
    const { host, port } = link.address
    if (host !== remote.address || port !== remote.port) {
      if (link.isUp && hello !== null) this.#refuseDouble(datagram, remote, formatAddress(link.address))
      throw new Error(`${from} sends from ${formatAddress(link.address)}, not from there`)
    }
    if (kind === 'refused') this.#passport.isRefused(this.#options.self, from, said)
    if (isGreeting) this.#passport.welcomed(from, identity!, releaseIn(said))
    return link
  }

  /**
   * Checks that a node speaks a version that this one knows too, and runs the same stage. A hello is of the oldest version
   * that its sender speaks, whoever it is for.
   *
   * @throws ProtocolError; the node is told
   */
  #checkRelease(datagram: Datagram, remote: RemoteInfo, said: Release): void {
    try {
      this.#passport.protocols.check(datagram.from, datagram.protocol, said)
    } catch (error) {
      if (error instanceof ProtocolError && !error.isFinal) return
      this.#sayWhoRefuses(datagram, remote, this.#passport.protocols.own)
      throw error
    }
  }

  /** Tells a node of another cluster who refuses it, unless the datagram is itself a refusal. */
  #refuseForeign(datagram: Datagram, remote: RemoteInfo): void {
    for (const link of this.#links.all(datagram.from)) link.refused()
    if (datagram.kind !== 'refused') this.#sayWhoRefuses(datagram, remote, {})
  }

  /**
   * Refuses a copy of a peer's folder, which says hello from elsewhere while the peer itself is heard, and tells it so.
   *
   * @throws DoubleError
   */
  #refuseDouble(datagram: Datagram, remote: RemoteInfo, address: string): never {
    this.#sayWhoRefuses(datagram, remote, { double: address })
    throw new DoubleError(datagram.from, address, formatAddress({ host: remote.address, port: remote.port }))
  }

  #sayWhoRefuses(
    { from: to, number, session }: Datagram,
    remote: RemoteInfo,
    why: { readonly double?: string } | Release,
  ): void {
    const payload = Buffer.from(JSON.stringify({ ...this.#passport.own, ...why }))
    const parcel = { number, index: 0, count: 1, payload }
    const { from: protocol } = this.#passport.protocols.own.protocols
    const names = { protocol, cluster: this.#cluster, session, from: this.#options.self, to }
    const { address: host, port } = remote
    this.#local?.send(encodeDatagram({ ...parcel, ...names, kind: 'refused' }), { host, port })
  }

  #decode(bytes: Buffer, peer: NodeId): Message {
    const message = this.#options.codec.decode(bytes)
    if (message.from !== peer || message.to !== this.#options.self) {
      throw new Error(`${peer} sent a message from ${oneLine(String(message.from))} to ${oneLine(String(message.to))}`)
    }
    return message
  }

  #refuse(peer: NodeId | null, { address: host, port }: RemoteInfo, reason: string): void {
    this.#refusals.report(peer, formatAddress({ host, port }), reason)
  }
}

function jsonIn(payload: Buffer): unknown {
  const parsed = parseStranger(payload)
  return 'value' in parsed ? parsed.value : undefined
}

/** Binds the socket. @throws the system's error, if the port cannot be had */
async function bound(socket: Socket, port: number, address: string): Promise<void> {
  try {
    const listening = once(socket, 'listening')
    socket.bind(port, address)
    await listening
  } catch (error) {
    socket.close()
    throw error
  }
}

/**
 * Asks for larger buffers. Some systems give less than was asked for, others refuse; then the buffers stay as they are.
 */
function raiseBuffers(socket: Socket): void {
  try {
    socket.setRecvBufferSize(socketBufferBytes)
    socket.setSendBufferSize(socketBufferBytes)
  } catch {}
}
