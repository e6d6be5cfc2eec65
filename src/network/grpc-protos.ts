import { fileURLToPath } from 'node:url'
import {
  loadSync,
  type MessageTypeDefinition,
  type PackageDefinition,
  type ServiceDefinition,
} from '@grpc/proto-loader'
import { checkWire, type WireField, type WireForm } from './proto-wire.js'

/** The `.proto` files that any stage needs on this network, and the folder in which all others are found. */
export interface Schemas {
  /** The folder below which a table and an application name their files. */
  readonly folder: URL
  /** The schema of the wire between nodes: the packets of a stream, and the envelope of a message. */
  readonly peer: string
  /** The schema of the service that every node has for clients. */
  readonly node: string
}

/** The package of all `.proto` files of the project, so a message of a stage is found by its name alone. */
export const protoPackage = 'raftroadmap'

/** A field of a message as its `.proto` file declares it. */
export interface ProtoField {
  readonly name: string
  /** `TYPE_STRING`, `TYPE_UINT64`, `TYPE_MESSAGE`, … */
  readonly type: string
  /** The name of the field's message type, as it was written; for `TYPE_MESSAGE` only. */
  readonly typeName: string
  readonly isRepeated: boolean
  /** True if the field is declared `optional`, so that absent differs from zero and from empty. */
  readonly isOptional: boolean
}

/** A message type: it encodes and decodes its objects, and lists its fields. */
export interface Proto {
  readonly name: string
  encode(value: object): Buffer
  /**
   * Decodes bytes to a plain object.
   *
   * @param isOpen whether unknown fields are ignored
   * @throws on bytes that are cut short or otherwise not protobuf, and on bytes whose value reading would change
   */
  decode(bytes: Uint8Array, isOpen?: boolean): Readonly<Record<string, unknown>>
  readonly fields: readonly ProtoField[]
  /** The name of the message's `oneof`; null if it has none. */
  readonly choice: string | null
}

/** The form of decoded messages, as {@link Protos} describes it. */
export const protoForm = { keepCase: true, longs: Number, defaults: true, oneofs: true } as const

/** The form of a client's messages: bytes are base64, which is protobuf's own form for JSON. */
export const clientForm = { ...protoForm, bytes: String } as const

/** Parses `.proto` files. @param files paths below the folder of the schemas, or absolute paths */
export function loadProtos(
  { folder }: Schemas,
  files: readonly string[],
  form: typeof protoForm | typeof clientForm = protoForm,
): PackageDefinition {
  return loadSync([...files], { includeDirs: [fileURLToPath(folder)], ...form })
}

/**
 * The message types and services of some `.proto` files, parsed at run time.
 *
 * A 64-bit number is read as a number: by default it arrives as an object, of which `===` is never true, or as a
 * string, of which '9' > '10'. Names stay as written; absent fields that are not `optional` arrive as zero, empty or
 * null.
 */
export class Protos {
  readonly #definitions: PackageDefinition
  readonly #wireForms = new Map<string, WireForm>()

  constructor(definitions: PackageDefinition) {
    this.#definitions = definitions
  }

  service(name: string): ServiceDefinition {
    return this.#definitions[`${protoPackage}.${name}`] as ServiceDefinition
  }

  /** The services of all files. */
  get services(): ServiceDefinition[] {
    return Object.values(this.#definitions).filter((one): one is ServiceDefinition => !('format' in one))
  }

  /** Finds a message type by its name. @throws if the files have no message of this name */
  message(name: string): Proto {
    const definition = this.#definitions[`${protoPackage}.${name.split('.').at(-1)}`]
    if (!definition || !('serialize' in definition)) throw new Error(`no .proto file has a message ${name}`)
    return describe(name, definition as MessageTypeDefinition<object, object>, this.#wireForm(name))
  }

  #wireForm(typeName: string): WireForm {
    const name = typeName.split('.').at(-1)!
    const known = this.#wireForms.get(name)
    if (known) return known
    const form = { name, fields: new Map<number, WireField>() }
    this.#wireForms.set(name, form)
    const definition = this.#definitions[`${protoPackage}.${name}`] as MessageTypeDefinition<object, object>
    this.#addFields(form.fields, definition.type as Descriptor)
    return form
  }

  #addFields(fields: Map<number, WireField>, { field, nestedType }: Descriptor): void {
    for (const { name, number, type, typeName, label } of field) {
      const entry = nestedType.find((one) => one.options?.mapEntry && one.name === typeName)
      const message = type === 'TYPE_MESSAGE' && { message: entry ? this.#entryForm(entry) : this.#wireForm(typeName) }
      const kind = wireKinds[type] ?? 'other'
      fields.set(number, { name, kind, isRepeated: label === 'LABEL_REPEATED', ...message })
    }
  }

  /** The form of a map's entries: a message type that stands in no file. */
  #entryForm(entry: Descriptor): WireForm {
    const form = { name: entry.name, fields: new Map<number, WireField>() }
    this.#addFields(form.fields, entry)
    return form
  }
}

const wireKinds: Readonly<Record<string, WireField['kind']>> = {
  TYPE_STRING: 'string',
  TYPE_MESSAGE: 'message',
  TYPE_UINT32: 'uint32',
}

interface Descriptor {
  readonly name: string
  readonly nestedType: readonly Descriptor[]
  readonly options: { readonly mapEntry?: boolean } | null
  readonly field: readonly { name: string; number: number; type: string; typeName: string; label: string }[]
  readonly oneofDecl: readonly { name: string }[]
}

/**
 * Describes a message type. In proto3 `optional x` is a `oneof` called `_x` with one member; every other oneof was
 * written as one.
 */
function describe(name: string, definition: MessageTypeDefinition<object, object>, form: WireForm): Proto {
  const { field, oneofDecl } = definition.type as Descriptor
  const oneofs = oneofDecl.map((oneof) => oneof.name)
  return {
    name,
    encode: (value) => definition.serialize(value),
    decode(bytes, isOpen = false) {
      checkWire(bytes, form, isOpen)
      return definition.deserialize(asBuffer(bytes)) as Record<string, unknown>
    },
    choice: oneofs.find((oneof) => !oneof.startsWith('_')) ?? null,
    fields: field.map(({ name, type, typeName, label }) => ({
      name,
      type,
      typeName,
      isRepeated: label === 'LABEL_REPEATED',
      isOptional: oneofs.includes(`_${name}`),
    })),
  }
}

/** Wraps the same bytes in a `Buffer`: the loader reads strings from nothing else. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
