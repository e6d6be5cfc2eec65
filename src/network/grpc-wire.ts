import type { ChannelOptions, ServerOptions } from '@grpc/grpc-js'
import { limits } from '../contracts.js'
import type { Served } from './grpc-app.js'
import type { NetworkOptions } from './options.js'

/** What those who call over gRPC may make a node hold. */
export interface CallBounds {
  readonly calls: number
  /** Bytes of packets that have not arrived whole, over all streams but those of peers. */
  readonly unfinishedBytes: number
  /** Bytes of requests that are asked and not answered. */
  readonly askedBytes: number
  /** Bytes of answers that one connection has not taken; and all of them. */
  readonly answerBytes: number
  readonly allAnswerBytes: number
  /** How long a packet may take to arrive, and how long a connection may take nothing of its answers. */
  readonly slowestMs: number
  readonly sweepMs: number
}

export interface GrpcOptions extends NetworkOptions {
  /** Clients that speak gRPC are served as well; leave it out and only peers are. */
  readonly served?: Served
  /** What its clients may make it hold, where a test wants less than usual. */
  readonly callBounds?: Partial<CallBounds>
}

/** Raised when `peer.proto` changes its meaning; nodes of different versions do not talk. */
export const protocolVersion = 3

export const speakPath = '/raftroadmap.RaftService/Speak'

/** How long each side of a new stream waits for what the other has to say first. */
export const handshakeMs = 2_000

/** One message between nodes at most: a leader's batch of what clients may send, with room for its envelope. */
export const packetBytes = 2 * limits.messageBytes
/** Messages are gathered into one write up to here. */
export const batchBytes = 1024 * 1024
/** Bytes that may wait for one peer; what comes on top is lost, as the network may lose anything. */
export const outboxBytes = 2 * limits.messageBytes

/** Of what gRPC adds around the messages of one packet. */
const packetOverheadBytes = 1024

/** A peer that does not answer a ping is given up, though no packet said so: its machine may be gone. */
const keepalive = { 'grpc.keepalive_time_ms': 10_000, 'grpc.keepalive_timeout_ms': 10_000 }

/**
 * Small limits for the pause between attempts, because a follower must be found again before it begins an election;
 * the defaults grow to two minutes. And a connection of our own for each channel, straight to the peer.
 */
export const channelOptions: ChannelOptions = {
  ...keepalive,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 500,
  'grpc.dns_min_time_between_resolutions_ms': 500,
  'grpc.max_send_message_length': packetBytes + packetOverheadBytes,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_http_proxy': 0,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
}

/** Streams: what one client may keep a node busy with. A connection on which nothing is asked is closed after a while. */
export const serverOptions: ServerOptions = {
  ...keepalive,
  'grpc.max_receive_message_length': packetBytes + packetOverheadBytes,
  'grpc.max_send_message_length': -1,
  'grpc.max_concurrent_streams': 256,
  'grpc.max_connection_idle_ms': 60_000,
}
