import type { Metadata, ServerUnaryCall, sendUnaryData, UntypedServiceImplementation } from '@grpc/grpc-js'
import type { MessageTypeDefinition, ServiceDefinition } from '@grpc/proto-loader'
import type { Ask } from '../contracts.js'
import {
  type Answer,
  type CommandShape,
  type Failure,
  failure,
  limits,
  type Refusal,
  type Status,
} from '../contracts.js'
import type { Stage } from '../stage.js'
import type { Access } from './access.js'
import { besideAnswer, besideCommand, envelopeFields } from './grpc-metadata.js'
import { clientForm, loadProtos, type Proto, Protos, type Schemas } from './grpc-protos.js'

type Fields = Readonly<Record<string, unknown>>
type Done = Answer & { readonly ok: true }

/** The node that serves clients, and the stage whose commands it knows. */
export interface Served {
  readonly ask: Ask
  readonly stage: Pick<Stage, 'application' | 'commands' | 'services'>
  /** The tokens that count; left out if none are demanded. */
  readonly access?: Access | undefined
}

/** A call of gRPC, as far as it says who calls. */
interface Called {
  readonly metadata: Metadata
  getPeer(): string
}

/** Makes the function that asks the node for one call, or for one stream of calls: its metadata may show a token. */
export function askFor({ ask, access }: Served, call: Called): Ask {
  if (!access) return ask
  const [authorization] = call.metadata.get('authorization')
  return access.guardCall(ask, authorization?.toString(), hostOf(call.getPeer()))
}

/** The host of a peer's address, which gRPC writes as host:port. */
const hostOf = (peer: string) => peer.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')

/** Lists the files with a stage's services for clients: those of any node, the application's, and what stages add. */
export function clientProtos({ application, services }: Served['stage'], { node }: Schemas): string[] {
  return [node, ...(application.proto ? [application.proto] : []), ...services]
}

/** The command that an rpc stands for: `AddNode` is `add_node`. */
export function commandOfRpc(rpc: string): string {
  return rpc.replace(/(?!^)[A-Z]/g, '_$&').toLowerCase()
}

/**
 * Turns a gRPC request into the arguments of the JSON port. There a flag is true or left out, and an optional list has
 * something in it or is left out. A value of null is a word of its own there; in a gRPC request it is a field that is
 * left out.
 */
export function argumentsOf({ takes }: CommandShape, request: Fields): Fields {
  const fields: Record<string, unknown> = {}
  for (const { name, kind, optional } of takes) {
    const value = request[name]
    const isEmpty = kind === 'flag' ? value !== true : optional && isEmptyObject(value)
    if (value === undefined ? kind === 'text or null' : !isEmpty) fields[name] = value ?? null
  }
  return fields
}

/** A list or a map has no other way to be left out than to be empty. */
function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Writes an answer in the fields of its reply. A list of lists on the JSON port is a list of messages here. */
export function replyOf({ ok: _, ...answer }: Done, reply: Proto, protos: Protos): Fields {
  if (answer.info !== undefined) return describeNode(answer.info as Status)
  const fields = reply.fields.map(({ name, type, typeName, isRepeated }) => {
    const value = answer[name]
    const isTable = isRepeated && type === 'TYPE_MESSAGE' && Array.isArray(value)
    return [name, isTable ? value.map((row) => messageOf(row, protos.message(typeName))) : value]
  })
  return Object.fromEntries(fields) as Fields
}

function messageOf(row: unknown, { fields }: Proto): unknown {
  return Array.isArray(row) ? Object.fromEntries(fields.map(({ name }, at) => [name, row[at]])) : row
}

function describeNode(status: Status): Fields {
  const { id, stage, role, leader, applied, peers, term, commit } = status
  return { id, stage, role, leader, applied, peers, term, commit, json: JSON.stringify(status) }
}

/**
 * Turns a failure into a reply with the JSON port's error. `actual`, `leader` and `address` are set if the code has
 * them.
 */
export function errorReply({ code, message, definite, leader, address, actual }: Failure): Fields {
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
 *
 * @throws Error if a file has an rpc for which there is no command
 */
export function clientServices(
  served: Served,
  schemas: Schemas,
  gate: CallGate,
  protos = new Protos(loadProtos(schemas, clientProtos(served.stage, schemas), clientForm)),
): [ServiceDefinition, UntypedServiceImplementation][] {
  return protos.services.map((definition) => {
    const unary = Object.entries(definition).filter(([, { requestStream }]) => !requestStream)
    const handlers = unary.map(([rpc, method]) => {
      const [request, reply] = [method.requestType, method.responseType].map((type) => protos.message(nameOf(type)))
      return [rpc, handlerOf(served, gate, commandOfRpc(rpc), { request: request!, reply: reply!, protos })]
    })
    return [raw(Object.fromEntries(unary)), Object.fromEntries(handlers)]
  })
}

const nameOf = (type: unknown) => ((type as MessageTypeDefinition<object, object>).type as { name: string }).name

interface Types {
  readonly request: Proto
  readonly reply: Proto
  readonly protos: Protos
}

function handlerOf(served: Served, gate: CallGate, command: string, { request, reply, protos }: Types) {
  const { stage } = served
  const shape = stage.commands[command]
  if (!shape) throw new Error(`a .proto file has an rpc for the command ${command}, which there is not`)
  const envelope = envelopeFields(stage)
  return (call: ServerUnaryCall<Buffer, Fields>, respond: sendUnaryData<Fields>) => {
    const answered = (answer: Answer) => {
      const told = gate.answer(call.getPeer(), answer)
      if (told.ok) respond(null, replyOf(told, reply, protos), besideAnswer(told, shape, reply))
      else respond(null, errorReply(told.error))
    }
    const asked = read(call.request, request)
    if ('problem' in asked) return answered(asked.problem)
    const refusal = gate.admit(call.request.length)
    if (refusal) return answered(refusal)
    const ask = askFor(served, call)
    const candidate = { ...argumentsOf(shape, asked.fields), ...besideCommand(call.metadata, envelope), command }
    ask(candidate, answered, call.getPeer())
  }
}

/** Lets requests through as bytes: they are decoded here, so that their problems are told as on the JSON port. */
function raw(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition).map(([rpc, method]) => [
    rpc,
    { ...method, requestDeserialize: (bytes: Buffer) => bytes },
  ])
  return Object.fromEntries(methods) as ServiceDefinition
}

/** Decodes a request. A request that is too long, or none, is told as the JSON port tells it. */
export function read(bytes: Buffer, proto: Proto): { fields: Fields } | { problem: Refusal } {
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
