import { inspect } from 'node:util'
import { type Codec, type Entry, isObject, type Message, parseEntry } from '../contracts.js'
import type { Stage } from '../stage.js'
import { loadProtos, type Proto, type ProtoField, Protos, type Schemas } from './grpc-protos.js'
import { isIdentified } from './json-codec.js'
import { checkShape, harmlessBytes } from './json-shape.js'

/**
 * Creates the codec that writes peer messages as protobuf, by the stage's own `.proto` files. Decoding gives what was
 * encoded, field for field: a message that protobuf would change on the way is refused instead, on either side.
 *
 * A flat message and its schema correspond like this: a field has one name in both; an absent `optional` field is null;
 * a message with a `oneof` is one of several shapes, told apart by a field of the oneof's name.
 *
 * @throws if the stage has a message that none of its files describes
 */
export function protobufCodec(stage: Stage, schemas: Schemas): Codec {
  const protos = new Protos(loadProtos(schemas, [schemas.peer, ...stage.proto]))
  const envelope = protos.message('Envelope')
  const known = new Map(
    Object.entries(stage.messages).map(([type, { check }]) => {
      const proto = protos.message(type)
      return [type, { check, proto, form: messageForm(protos, proto, type) }] as const
    }),
  )
  const find = (type: string) => {
    const found = known.get(type)
    if (!found) throw new Error(`stage ${stage.number} has no message ${JSON.stringify(type.slice(0, 64))}`)
    return found
  }
  return {
    encode({ type, from, to, entries, ...rest }) {
      const { proto, form } = find(type)
      const { incarnation, origin, ...own } = rest
      const [identity, body] = stage.isIdentified ? [{ incarnation, origin }, own] : [{}, rest]
      const fields = entries ? { ...body, entries: entries.map(({ text }) => text) } : body
      return envelope.encode({ type, from, to, ...identity, payload: proto.encode(form.toWire(fields) as object) })
    },
    decode(bytes) {
      const { type, from, to, payload, incarnation, origin } = envelope.decode(bytes) as unknown as Enveloped
      const identity = stage.isIdentified ? { incarnation, origin } : {}
      if (stage.isIdentified && !isIdentified(identity)) throw new Error(`a ${type} without its sender's incarnation`)
      const { check, proto, form } = find(type)
      const { entries, ...rest } = form.toFlat(proto.decode(payload)) as { entries?: readonly string[] }
      const message = { type, from, to, ...identity, ...rest, ...(entries && { entries: entries.map(entryOf) }) }
      if (!check(message)) throw new Error(`a ${type} whose fields are not of its shape`)
      return message satisfies Message
    },
  }
}

/** Parses an entry. Its text is JSON that a stranger may have written, so its shape is checked first. */
function entryOf(text: string): Entry {
  if (text.length > harmlessBytes) checkShape(Buffer.from(text))
  return parseEntry(text)
}

interface Enveloped {
  readonly type: string
  readonly from: string
  readonly to: string
  readonly payload: Uint8Array
  readonly incarnation: string
  readonly origin: string
}

/** A converter between a value of a flat message and the loader's object; it throws if the value may not pass. */
interface Form {
  toWire(flat: unknown): unknown
  toFlat(wire: unknown): unknown
}

/** Creates the form of a message. `path` names the field in errors: `Replicate.command.cas.expected`. */
function messageForm(protos: Protos, proto: Proto, path: string): Form {
  const fields = new Map(proto.fields.map((field) => [field.name, fieldForm(protos, field, `${path}.${field.name}`)]))
  return proto.choice === null ? recordForm(fields, path) : choiceForm(proto.choice, fields, path)
}

function fieldForm(protos: Protos, field: ProtoField, path: string): Form {
  const form = valueForm(protos, field, path)
  if (field.isRepeated) return listForm(form, path)
  return field.isOptional ? optionalForm(form) : form
}

function valueForm(protos: Protos, { type, typeName }: ProtoField, path: string): Form {
  if (type === 'TYPE_MESSAGE') return messageForm(protos, protos.message(typeName), path)
  const isValid = scalars[type]
  if (!isValid) throw new Error(`${path} is a ${type}, which no flat message holds`)
  const check = (value: unknown) => {
    if (isValid(value)) return value
    throw new Error(`${path} is ${describe(value)}, which ${type.slice('TYPE_'.length)} does not carry unchanged`)
  }
  return { toWire: check, toFlat: check }
}

/**
 * Checks of values that arrive as they were sent. Numbers are doubles here: from 2^53 on two numbers may look the same,
 * so a node refuses such a number instead of counting on.
 */
const scalars: Readonly<Record<string, (value: unknown) => boolean>> = {
  TYPE_UINT64: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
  TYPE_STRING: (value) => typeof value === 'string' && value.isWellFormed(),
  TYPE_BOOL: (value) => typeof value === 'boolean',
  TYPE_BYTES: (value) => value instanceof Uint8Array,
}

function describe(value: unknown): string {
  if (typeof value === 'number' && value > Number.MAX_SAFE_INTEGER) return `over 2^53 - 1 (about ${value})`
  return value === undefined ? 'missing' : inspect(value, { depth: 0, maxStringLength: 64 })
}

function recordForm(fields: ReadonlyMap<string, Form>, path: string): Form {
  const convert = (source: unknown, way: keyof Form) => {
    if (!isObject(source)) throw new Error(`${path} is missing`)
    const converted: Record<string, unknown> = {}
    for (const [name, field] of fields) converted[name] = field[way](source[name])
    return converted
  }
  return {
    toWire(flat) {
      const stray = isObject(flat) && Object.keys(flat).find((name) => !fields.has(name))
      if (stray) throw new Error(`${path} has no field ${JSON.stringify(stray.slice(0, 64))} in its .proto file`)
      return convert(flat, 'toWire')
    },
    toFlat: (wire) => convert(wire, 'toFlat'),
  }
}

/**
 * Creates the form of a message with a oneof. The loader puts the name of the field that is set under the name of the
 * oneof.
 */
function choiceForm(discriminator: string, cases: ReadonlyMap<string, Form>, path: string): Form {
  const choose = (source: unknown) => {
    const name = isObject(source) ? source[discriminator] : undefined
    const form = cases.get(name as string)
    if (!form)
      throw new Error(`${path}.${discriminator} is ${describe(name)}, not one of ${[...cases.keys()].join(' ')}`)
    return { name: name as string, form }
  }
  return {
    toWire(flat) {
      const { name, form } = choose(flat)
      const { [discriminator]: _, ...fields } = flat as Record<string, unknown>
      return { [name]: form.toWire(fields) }
    },
    toFlat(wire) {
      const { name, form } = choose(wire)
      return { [discriminator]: name, ...(form.toFlat((wire as Record<string, unknown>)[name]) as object) }
    },
  }
}

function optionalForm(form: Form): Form {
  return {
    toWire: (flat) => (flat === null ? undefined : form.toWire(flat)),
    toFlat: (wire) => (wire === undefined ? null : form.toFlat(wire)),
  }
}

function listForm(form: Form, path: string): Form {
  const all = (convert: (value: unknown) => unknown) => (values: unknown) => {
    if (!Array.isArray(values)) throw new Error(`${path} is ${describe(values)}, not a list`)
    return values.map(convert)
  }
  return { toWire: all(form.toWire), toFlat: all(form.toFlat) }
}
