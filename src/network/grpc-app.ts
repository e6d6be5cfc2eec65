import type { ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { MessageTypeDefinition, ServiceDefinition } from '@grpc/proto-loader'
import type { Ask } from '../contracts.js'
import { type Answer, type Failure, failure, limits, type Refusal, type Status } from '../contracts.js'
import { appProto, type Proto, Protos } from './grpc-protos.js'

type Fields = Readonly<Record<string, unknown>>
type Done = Answer & { readonly ok: true }

/** One rpc of the application service. Fields that are null are left out of its messages. */
interface Verb {
  /** The command that the rpc stands for. */
  readonly command: string
  /** Turns the request's fields into those of the JSON port, where the two differ. */
  arguments?(request: Fields): Fields
  /** Turns the answer's fields into those of the rpc's reply, where the two differ. */
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
  // The node's name is `node`: on the JSON port `id` is the request's.
  AddNode: { command: 'add_node', arguments: withForce },
  RemoveNode: { command: 'remove_node', arguments: withForce },
  Reconfigure: { command: 'reconfigure', arguments: withForce },
  CancelChange: { command: 'cancel_change' },
  TransferLeader: { command: 'transfer_leader' },
}

/** Leaves `force` out if it is false: on the JSON port `force` is true or absent. */
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

/**
 * Turns a failure into a reply with the JSON port's error. `actual`, `leader` and `address` are set if the code has
 * them.
 */
function errorReply({ code, message, definite, leader, address, actual }: Failure): Fields {
  return { error: { code, message, definite, leader, address, actual } }
}

/** The gate that keeps the memory of gRPC calls in bounds. */
export interface CallGate {
  /** Decides whether a request of this many bytes may be asked. @returns the refusal if not; null if it may */
  admit(bytes: number): Refusal | null
  /** Passes the answer on; if too many answers wait on this connection, a refusal takes its place. */
  answer(peer: string, answer: Answer): Answer
}

/**
 * Creates the service for clients over gRPC. It asks the node through the same function as the client port. A refusal
 * is an answer, not a gRPC status, because a status has no room for the leader's address.
 */
export function appService(ask: Ask, gate: CallGate): [ServiceDefinition, UntypedServiceImplementation] {
  const protos = new Protos([appProto])
  const definition = protos.service('AppService')
  const handlers = Object.entries(verbs).map(([rpc, { command, arguments: toArguments = named, reply = plain }]) => {
    const { name } = (definition[rpc]!.requestType as MessageTypeDefinition<object, object>).type as { name: string }
    const proto = protos.message(name)
    const handle = (call: ServerUnaryCall<Buffer, Fields>, respond: sendUnaryData<Fields>) => {
      const answered = (answer: Answer) => {
        const told = gate.answer(call.getPeer(), answer)
        respond(null, told.ok ? reply(told) : errorReply(told.error))
      }
      const request = read(call.request, proto)
      if ('problem' in request) return answered(request.problem)
      const refusal = gate.admit(call.request.length)
      if (refusal) return answered(refusal)
      ask({ ...toArguments(named(request.fields)), command }, answered)
    }
    return [rpc, handle]
  })
  return [raw(definition), Object.fromEntries(handlers)]
}

/** Lets requests through as bytes: they are decoded here, so that their problems are told as on the JSON port. */
function raw(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([rpc, method]) => [
    rpc,
    { ...method, requestDeserialize: (bytes: Buffer) => bytes },
  ])
  return Object.fromEntries(methods) as ServiceDefinition
}

function read(bytes: Buffer, proto: Proto): { fields: Fields } | { problem: Refusal } {
  if (bytes.length > limits.messageBytes) {
    const reason = `the request is ${bytes.length} bytes long; at most ${limits.messageBytes} are taken`
    return { problem: failure('too_large', reason) }
  }
  try {
    return { fields: proto.decode(bytes) }
  } catch (error) {
    return { problem: failure('bad_request', (error as Error).message) }
  }
}

/** Removes the fields that the loader adds to say that an `optional` field was set: `_limit` beside `limit`. */
function named(request: Fields): Fields {
  return Object.fromEntries(Object.entries(request).filter(([name]) => !name.startsWith('_')))
}

function plain({ ok: _, ...fields }: Done): Fields {
  return fields
}
