/** Golden lines: all that travels, as bytes, each with a name. They are recorded once, and never change. */

import { encodeDatagram } from '../../src/network/datagrams.js'
import { encodeFrames } from '../../src/network/framing.js'
import { protobufCodec } from '../../src/network/grpc-codec.js'
import { loadProtos, Protos } from '../../src/network/grpc-protos.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { stages } from '../../stages/index.js'
import { schemas } from '../../stages/schemas.js'
import { datagrams, frames, messagesOf, packets } from './samples.js'

/** The stages whose messages are recorded: those between them add no form of their own to what the last of them has. */
export const recordedStages = [2, 7, 10]

export const protos = () => new Protos(loadProtos(schemas, [schemas.peer]))

/** Makes the lines of this release. @returns bytes as base64, by name */
export function linesNow(): Map<string, string> {
  const lines = new Map<string, string>()
  const add = (name: string, bytes: Uint8Array) => void lines.set(name, Buffer.from(bytes).toString('base64'))
  for (const number of recordedStages) {
    const stage = stages[number]!
    const codecs = { json: jsonCodec(stage), protobuf: protobufCodec(stage, schemas) }
    for (const message of messagesOf(stage))
      for (const [codec, { encode }] of Object.entries(codecs))
        add(`message ${message.type} stage ${number} ${codec}`, encode(message))
  }
  const packet = protos().message('Packet')
  for (const [name, value] of Object.entries(packets)) add(`packet ${name}`, packet.encode(value))
  for (const [name, datagram] of Object.entries(datagrams)) add(`datagram ${name}`, encodeDatagram(datagram))
  for (const [at, frame] of frames.entries()) add(`client frame ${at + 1}`, encodeFrames([JSON.stringify(frame)]))
  return lines
}
