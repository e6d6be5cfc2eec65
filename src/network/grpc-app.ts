import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { ServiceDefinition } from '@grpc/proto-loader'
import type { Answer, Failure, Status } from '../contracts.js'
import type { Ask } from './client-port.js'
import { appProto, Protos } from './grpc-protos.js'

type Fields = Readonly<Record<string, unknown>>
type Done = Answer & { readonly ok: true }

/** One rpc: the command it stands for, and where its fields differ from those of the JSON port. Null is left out. */
interface Verb {
  readonly command: string
  arguments?(request: Fields): Fields
  reply?(answer: Done): Fields
}

const verbs: Readonly<Record<string, Verb>> = {
  Get: { command: 'get' },
  Set: { command: 'set' },
  Delete: { command: 'delete' },
  // The one argument for which "left out" is a word of its own on the JSON port: null, "absent".
  Cas: { command: 'cas', arguments: ({ expected = null, ...rest }) => ({ expected, ...rest }) },
  Append: { command: 'append' },
  Scan: { command: 'scan', reply: ({ entries, more }) => ({ entries: keyValues(entries), more }) },
  Info: { command: 'info', reply: ({ info }) => describeNode(info as Status) },
  Ping: { command: 'ping' },
  // On the JSON port `id` is that of the request.
  AddNode: { command: 'add_node', arguments: withForce },
  RemoveNode: { command: 'remove_node', arguments: withForce },
  Reconfigure: { command: 'reconfigure', arguments: withForce },
  CancelChange: { command: 'cancel_change' },
  TransferLeader: { command: 'transfer_leader' },
}

/** On the JSON port it is true or left out. */
function withForce({ force, ...rest }: Fields): Fields {
  return force ? { ...rest, force } : rest
}

function keyValues(entries: unknown): Fields[] {
  return (entries as [string, string][]).map(([key, value]) => ({ key, value }))
}

function describeNode(status: Status): Fields {
  const { id, stage, role, leader, applied, peers, term, commit } = status
  return { id, stage, role, leader, applied, peers, term, commit, json: JSON.stringify(status) }
}

/** The errors of the JSON port. `actual`, `leader` and `address` are there where the code has them. */
function errorReply({ code, message, definite, leader, address, actual }: Failure): Fields {
  return { error: { code, message, definite, leader, address, actual } }
}

/**
 * Clients over gRPC: asks the node the same things as the client port does, by the same function. A refusal is an
 * answer, not a status, because a status has no room for who leads instead.
 */
export function appService(ask: Ask): [ServiceDefinition, UntypedServiceImplementation] {
  const definition = new Protos([appProto]).service('AppService')
  const handlers = Object.entries(verbs).map(([rpc, { command, arguments: toArguments = named, reply = plain }]) => {
    const handle = (call: ServerUnaryCall<Fields, Fields>, respond: sendUnaryData<Fields>) => {
      ask({ ...toArguments(named(call.request)), command }, (answer) => {
        respond(null, answer.ok ? reply(answer) : errorReply(answer.error))
      })
    }
    return [rpc, handle]
  })
  return [definition, Object.fromEntries(handlers)]
}

/** Without what the loader adds to say that an `optional` field was there: `_limit` beside `limit`. */
function named(request: Fields): Fields {
  return Object.fromEntries(Object.entries(request).filter(([name]) => !name.startsWith('_')))
}

function plain({ ok: _, ...fields }: Done): Fields {
  return fields
}
