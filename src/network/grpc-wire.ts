import type { ChannelOptions, ServerOptions } from '@grpc/grpc-js'
import { limits } from '../contracts.js'
import type { Served } from './grpc-app.js'
import type { Schemas } from './grpc-protos.js'
import { type LinkTiming, patience } from './liveness.js'
import type { NetworkOptions } from './options.js'
import type { Release } from './protocols.js'

/** Bounds on what callers over gRPC can make a node hold. */
export interface CallBounds {
  /** Calls that wait for their answers. */
  readonly calls: number
  /** Bytes of packets that have not arrived whole, over all streams except members' streams. */
  readonly unfinishedBytes: number
  /** Bytes of requests that are asked and not answered yet. */
  readonly askedBytes: number
  /** Bytes of answers that one connection has not taken yet. */
  readonly answerBytes: number
  /** Bytes of answers that all connections together have not taken yet. */
  readonly allAnswerBytes: number
  /** Milliseconds that a packet may take to arrive, and that a connection may take nothing of its answers. */
  readonly slowestMs: number
  /** Milliseconds between two looks for packets and connections slower than `slowestMs`. */
  readonly sweepMs: number
}

export interface GrpcOptions extends NetworkOptions {
  readonly schemas: Schemas
  /** The clients that speak gRPC, and by whom they are served; if it is left out, only peers are. */
  readonly served?: Served
  /** Bounds on what clients can make the node hold, for a test that wants less than usual. */
  readonly callBounds?: Partial<CallBounds>
}

export const speakPath = '/raftroadmap.RaftService/Speak'

/** A release, as the packets of `peer.proto` tell it. A number that was left out is 0. */
interface ReleaseFields {
  readonly oldest: number
  readonly newest: number
  readonly stage: number
  readonly features: readonly string[]
}

export function releaseFields({ protocols, stage, features }: Required<Release>): ReleaseFields {
  return { oldest: protocols.from, newest: protocols.to, stage, features }
}

/** Turns the fields of a packet into those of the other networks. */
export function withRelease<F extends Partial<ReleaseFields>>(fields: F) {
  const { oldest: from = 0, newest: to = 0 } = fields
  return { ...fields, protocols: { from, to } }
}

/** Milliseconds that the accepting side of a new stream waits for the other side's first packet. */
export const handshakeMs = 2_000

/** Bytes of the longest message between nodes: a leader's batch of clients' commands, with room for its envelope. */
export const packetBytes = 2 * limits.messageBytes
/** Bytes up to which messages are gathered into one write. */
export const batchBytes = 1024 * 1024
/** Bytes that may wait for one peer; further messages are lost, as the network may lose any message. */
export const outboxBytes = 2 * limits.messageBytes

/** Bytes that gRPC adds around the messages of one packet, at most. */
const packetOverheadBytes = 1024

/**
 * Settings of a channel to a peer. The channel is given up when the peer does not answer a ping, since its machine may
 * be gone, and no packet would say so. Each channel has a connection of its own, straight to the peer.
 */
export function channelOptions({ probeMs }: LinkTiming): ChannelOptions {
  return {
    'grpc.keepalive_time_ms': probeMs,
    'grpc.keepalive_timeout_ms': patience * probeMs,
    'grpc.max_send_message_length': packetBytes + packetOverheadBytes,
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_http_proxy': 0,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
  }
}

/** Settings of the server: they bound the streams of one client. A connection without calls is closed after a while. */
export const serverOptions: ServerOptions = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_receive_message_length': packetBytes + packetOverheadBytes,
  'grpc.max_send_message_length': -1,
  'grpc.max_concurrent_streams': 256,
  'grpc.max_connection_idle_ms': 60_000,
}
