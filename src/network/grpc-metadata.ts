/**
 * The fields beside a command over gRPC, where a request's message has the command alone: they are metadata of the call,
 * `firstOutstanding` as `first-outstanding`. Fields beside an answer are trailing metadata.
 */
import { Metadata } from '@grpc/grpc-js'
import type { Answer, Argument, CommandShape } from '../contracts.js'
import type { Stage } from '../stage.js'
import type { Proto } from './grpc-protos.js'

type Fields = Readonly<Record<string, unknown>>

/** The name of a field as metadata: `ageMs` is `age-ms`. */
function metadataName(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** Lists the fields that may stand beside some command of a stage. A command that does not take a field refuses it. */
export function envelopeFields({ commands }: Pick<Stage, 'commands'>): readonly Argument[] {
  const all = Object.values(commands).flatMap(({ envelope = [] }) => envelope)
  return [...new Map(all.map((field) => [field.name, field])).values()]
}

/**
 * Reads the fields beside a command, as the JSON port has them. A text that is no value of its field stays as it is, and
 * the check of the command says what is wrong.
 */
export function besideCommand(metadata: Metadata, fields: readonly Argument[]): Fields {
  const given = fields.flatMap(({ name, kind }) => {
    const values = metadata.get(metadataName(name)).map(String)
    if (values.length === 0) return []
    return [[name, values.length > 1 ? values : fieldValue(values[0]!, kind)] as const]
  })
  return Object.fromEntries(given)
}

function fieldValue(text: string, kind: Argument['kind']): unknown {
  if (kind === 'number' && /^-?\d+$/.test(text)) return Number(text)
  return kind === 'flag' && text === 'true' ? true : text
}

/** Makes metadata of the fields that stand beside an answer: those for which its message has no place. */
export function besideAnswer({ ok: _, ...answer }: Answer, { envelope }: CommandShape, reply: Proto): Metadata {
  const metadata = new Metadata()
  if (!envelope) return metadata
  const names = new Set(reply.fields.map(({ name }) => name))
  for (const [name, value] of Object.entries(answer))
    if (!names.has(name)) metadata.set(metadataName(name), String(value))
  return metadata
}
