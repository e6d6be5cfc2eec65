/** The package's exports for programs with a node inside: a replicated state machine of their own. */
export type {
  Entry,
  Event,
  Foreigner,
  Greeting,
  Identity,
  LogStore,
  Message,
  Network,
  PeerMember,
  Persist,
  Recovered,
  SnapshotStore,
} from '../../src/contracts.js'
export { ConfigError } from '../../src/errors.js'
export type { CertificateProblem, TlsFiles } from '../../src/network/certificates.js'
export type { MakeNetwork } from '../../src/network/networks.js'
export type { NetworkOptions } from '../../src/network/options.js'
export type { ProtocolRange, Release } from '../../src/network/protocols.js'
export type { Choices, Pace } from '../../src/server/config.js'
export { DamagedLogError, DiskError } from '../../src/storage/errors.js'
export type {
  AddOptions,
  CallOptions,
  ChangeOptions,
  ClusterMember,
  Patience,
  Proposed,
  ProposeOutcome,
  RaftEvents,
  ReadOptions,
  SnapshotTaken,
} from './calls.js'
export type { Channel, ChannelRequest, ChannelResponse, RequestName } from './channel.js'
export { bytesCodec, type Codec, jsonCodec } from './codec.js'
export { createNode } from './create-node.js'
export type { Diagnostics } from './diagnostics.js'
export type { EntriesOptions } from './entries.js'
export { RaftError, type RaftErrorCode, raftErrorCodes } from './errors.js'
export type { Committed, StateMachine, Text } from './machine.js'
export type { Limits, NodeOptions, Peer } from './options.js'
export type { RaftNode } from './raft-node.js'
export { type Reducer, reducer } from './reducer.js'
export type { Session } from './session.js'
export type { NodeStatus } from './status.js'
