import { type Codec, isObject, type Message } from '../contracts.js'
import type { Stage } from '../stage.js'
import { parseJson } from './framing.js'

/** Peer messages as JSON. What arrives is held against the stage's shapes before a rule sees it. */
export function jsonCodec(stage: Stage): Codec {
  return {
    encode: (message) => Buffer.from(JSON.stringify(message)),
    decode(bytes) {
      const parsed = parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
      if ('problem' in parsed) throw new Error(parsed.problem)
      return checkMessage(stage, parsed.value)
    },
  }
}

function checkMessage(stage: Stage, candidate: unknown): Message {
  if (!isObject(candidate)) throw new Error('a message is a JSON object')
  const { type, from, to } = candidate
  if (typeof type !== 'string' || typeof from !== 'string' || typeof to !== 'string') {
    throw new Error('a message has "type", "from" and "to"')
  }
  const check = Object.hasOwn(stage.wire, type) ? stage.wire[type] : undefined
  if (!check) throw new Error(`stage ${stage.number} has no message ${JSON.stringify(type.slice(0, 64))}`)
  if (!check(candidate)) throw new Error(`a ${type} whose fields are not of its shape`)
  return candidate as unknown as Message
}
