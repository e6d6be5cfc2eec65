import type { Ask, Codec, Network } from '../contracts.js'
import { ConfigError } from '../errors.js'
import type { NetworkName, Stage } from '../stage.js'
import type { Access } from './access.js'
import type { Schemas } from './grpc-protos.js'
import { jsonCodec } from './json-codec.js'
import type { NetworkOptions } from './options.js'
import { TcpNetwork } from './tcp.js'

/** Makes a network of another kind. The codec turns the stage's messages into bytes. */
export type MakeNetwork = (options: NetworkOptions) => Network | Promise<Network>

/** Settings of a network that is chosen by its name. */
export interface NetworkSettings extends Omit<NetworkOptions, 'codec' | 'isOpen'> {
  /** Puts something around the codec of the stage's messages. */
  readonly aroundCodec?: ((codec: Codec) => Codec) | undefined
  /** The tokens that clients over gRPC are asked for; left out if none are demanded. */
  readonly access?: Access | undefined
}

/**
 * Creates the network of this name for a stage's messages. gRPC takes longer to load than the rest of a node, so a
 * network is loaded only when it is chosen.
 *
 * @param ask asks this node on behalf of a client; over gRPC clients are served as well
 * @param schemas read if the network is gRPC
 */
export async function openNetwork(
  name: NetworkName | MakeNetwork,
  stage: Stage,
  { aroundCodec = (codec) => codec, access, ...settings }: NetworkSettings,
  ask: Ask,
  schemas: Schemas,
): Promise<Network> {
  const options = { ...settings, isOpen: stage.members === 'changing' }
  if (typeof name === 'function') return name({ ...options, codec: aroundCodec(jsonCodec(stage)) })
  if (name === 'tcp') return new TcpNetwork({ ...options, codec: aroundCodec(jsonCodec(stage)) })
  if (name === 'udp') {
    if (options.tls) throw new ConfigError('there is no TLS over udp: take the network tcp or grpc, or leave tls out')
    const { UdpNetwork } = await import('./udp.js')
    return new UdpNetwork({ ...options, codec: aroundCodec(jsonCodec(stage)) })
  }
  const [{ GrpcNetwork }, { protobufCodec }] = await Promise.all([import('./grpc.js'), import('./grpc-codec.js')])
  const codec = aroundCodec(protobufCodec(stage, schemas))
  // Where TLS is spoken, a port is for nodes or for clients: their certificates differ.
  return new GrpcNetwork({ ...options, schemas, codec, ...(!options.tls && { served: { ask, stage, access } }) })
}
