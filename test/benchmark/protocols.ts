import type { DialogueFactory } from './connection.js'
import { EtcdReplies } from './etcd/replies.js'
import { EtcdRequests } from './etcd/requests.js'
import { Replies } from './replies.js'
import { type RequestShape, Requests, type RequestWriter } from './requests.js'

/** What servers speak to clients: the framed JSON of this project, or etcd's gRPC. */
export type ProtocolName = 'json' | 'etcd'

interface Protocol {
  requests(shape: RequestShape): RequestWriter
  readonly dialogue: DialogueFactory
}

/** How the generator speaks each of them. */
export const protocols: Readonly<Record<ProtocolName, Protocol>> = {
  json: {
    requests: (shape) => new Requests(shape),
    dialogue: (answered) => new Replies(answered),
  },
  etcd: {
    requests: (shape) => new EtcdRequests(shape),
    dialogue: (answered, write, maxBytes) => new EtcdReplies(answered, write, maxBytes),
  },
}
