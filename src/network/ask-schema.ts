import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader'
import protobuf from 'protobufjs'
import type { Argument } from '../contracts.js'
import { clientProtos, commandOfRpc, type Served } from './grpc-app.js'
import { envelopeFields } from './grpc-metadata.js'
import { clientForm, protoPackage, type Schemas } from './grpc-protos.js'

/** The types of a stream of calls: a request has a command of one kind, and a reply the answer to one. */
export const askTypes = { rpc: 'Ask', request: 'Request', reply: 'Reply' } as const

/**
 * The fields beside a command, in the order of their numbers, which begin at 2. A new one goes to the end: a number is
 * for good.
 */
const besideCommand = [
  ...['session', 'sequence', 'firstOutstanding', 'consistency', 'atLeast', 'withIndex', 'forward'],
  ...['prevLogIndex', 'prevLogTerm'],
]
/** The fields beside an answer; their numbers begin at 3. */
export const besideAnswer = ['index', 'ageMs'] as const
/** The numbers of the first command of any node, and of the first one of the application. */
const firstNumbers = { node: 16, application: 128 } as const

/**
 * Makes the schema of a stage's stream of calls, of the services that have a call for each command: so it has them all,
 * with the same messages. A later stage adds its commands behind those before, and a number stays what it is.
 *
 * @throws Error if a command has no call, or a field beside it no number
 */
export function askSchema({ stage }: Pick<Served, 'stage'>, schemas: Schemas): PackageDefinition {
  const root = new protobuf.Root()
  const folder = fileURLToPath(schemas.folder)
  root.resolvePath = (_, target) => (isAbsolute(target) ? target : folder + target)
  root.loadSync(clientProtos(stage, schemas), clientForm)
  const services = root.lookup(protoPackage, protobuf.Namespace) as protobuf.Namespace
  const all = services.nestedArray.filter((one) => one instanceof protobuf.Service)
  protobuf.parse(askText(stage, all), root, clientForm)
  const [first] = Object.keys(stage.application.commands)
  const own = all.find(({ methodsArray }) => methodsArray.some(({ name }) => commandOfRpc(name) === first))!
  const { rpc, request, reply } = askTypes
  own.add(new protobuf.Method(rpc, 'rpc', request, reply, true, true))
  return fromJSON(root.toJSON(), clientForm)
}

/** Writes the two messages of the stream, as a `.proto` file would have them. */
function askText(stage: Served['stage'], services: readonly protobuf.Service[]): string {
  const methods = new Map(
    services.flatMap(({ methodsArray }) => methodsArray.map((method) => [commandOfRpc(method.name), method])),
  )
  const names = Object.keys(stage.commands)
  const isOwn = (name: string) => name in stage.application.commands
  const numbered = [
    ...names.filter((name) => !isOwn(name)).map((name, at) => [name, firstNumbers.node + at] as const),
    ...names.filter(isOwn).map((name, at) => [name, firstNumbers.application + at] as const),
  ]
  const choice = (type: 'requestType' | 'responseType') =>
    numbered.map(([name, number]) => {
      const method = methods.get(name)
      if (!method) throw new Error(`no .proto file has an rpc for the command ${name}`)
      return `    ${method[type]} ${name} = ${number};`
    })
  return [
    `syntax = "proto3"; package ${protoPackage};`,
    `message ${askTypes.request} {`,
    '  uint64 id = 1;',
    ...envelopeFields(stage).map((field) => `  optional ${typeOf(field)} ${field.name} = ${numberOf(field)};`),
    '  oneof command {',
    ...choice('requestType'),
    '  }',
    '}',
    `message ${askTypes.reply} {`,
    '  uint64 id = 1;',
    '  Error error = 2;',
    ...besideAnswer.map((name, at) => `  optional uint64 ${name} = ${3 + at};`),
    '  oneof answer {',
    ...choice('responseType'),
    '  }',
    '}',
  ].join('\n')
}

const types: Readonly<Partial<Record<Argument['kind'], string>>> = {
  text: 'string',
  'text or null': 'string',
  number: 'uint64',
  flag: 'bool',
  names: 'string',
}

function typeOf({ name, kind }: Argument): string {
  const type = types[kind]
  if (type === undefined) throw new Error(`the field ${name} beside a command has no type here`)
  return type
}

function numberOf({ name }: Argument): number {
  const at = besideCommand.indexOf(name)
  if (at < 0) throw new Error(`the field ${name} beside a command has no number yet`)
  return 2 + at
}
