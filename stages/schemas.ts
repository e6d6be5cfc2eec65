import type { Schemas } from '../src/network/grpc-protos.js'

/**
 * The schemas of the gRPC network, as stage 3 explains them. Any stage runs on any network, so they belong to no table;
 * the programs that start a node hand them to it. The compiler copies no `.proto` file to `dist/`.
 */
export const schemas: Schemas = {
  folder: new URL('../../stages/', import.meta.url),
  peer: '3-protobuf-rpc/peer.proto',
  node: '3-protobuf-rpc/node.proto',
}
