/** The package's exports for programs with a node inside: a replicated state machine of their own. */
export type { Event, LogStore, Message, Network } from '../../src/contracts.js'
export { ConfigError } from '../../src/errors.js'
export type { MakeNetwork } from '../../src/network/networks.js'
export { DamagedLogError, DiskError } from '../../src/storage/errors.js'
export { bytesCodec, type Codec, jsonCodec } from './codec.js'
export { createNode } from './create-node.js'
export type { EntriesOptions } from './entries.js'
export { RaftError, type RaftErrorCode, raftErrorCodes } from './errors.js'
export type { Committed, StateMachine, Text } from './machine.js'
export type { NodeOptions, Peer } from './options.js'
export type {
  CallOptions,
  ChangeOptions,
  ClusterMember,
  Proposed,
  ProposeOutcome,
  RaftEvents,
  RaftNode,
  ReadOptions,
} from './raft-node.js'
export { type Reducer, reducer } from './reducer.js'
export type { NodeStatus } from './status.js'
