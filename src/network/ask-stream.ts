import type { ServerDuplexStream } from '@grpc/grpc-js'
import { type Answer, failure } from '../contracts.js'
import { askTypes, besideAnswer } from './ask-schema.js'
import { argumentsOf, askFor, type CallGate, errorReply, read, replyOf, type Served } from './grpc-app.js'
import { envelopeFields } from './grpc-metadata.js'
import type { Proto, Protos } from './grpc-protos.js'

type Fields = Readonly<Record<string, unknown>>
type Call = ServerDuplexStream<Buffer, Fields>

/** Requests of one stream that may wait for their answers, and their bytes. Further ones are not read meanwhile. */
const most = { requests: 1_024, bytes: 4 * 1024 * 1024 }

/**
 * Makes the handler of a stream of calls: each request bears a number and a command of one kind, and its reply the same
 * number. Replies come as they are ready, not in the order of the requests.
 */
export function askHandler(served: Served, gate: CallGate, protos: Protos): (call: Call) => void {
  const { stage } = served
  const request = protos.message(askTypes.request)
  const answers = new Map(
    protos
      .message(askTypes.reply)
      .fields.flatMap(({ name, type, typeName }) =>
        type === 'TYPE_MESSAGE' ? [[name, protos.message(typeName)] as const] : [],
      ),
  )
  const beside = envelopeFields(stage).map(({ name }) => name)
  return (call) => {
    const flow = flowOf(call)
    const ask = askFor(served, call)
    const tell = (id: unknown, name: string | null, bytes: number, answer: Answer) => {
      flow.done(bytes)
      const told = gate.answer(call.getPeer(), answer)
      if (!call.writableEnded && !call.destroyed) call.write(replyTo(id, name, told, answers, protos))
    }
    call.on('data', (bytes: Buffer) => {
      flow.begun(bytes.length)
      const asked = read(bytes, request)
      if ('problem' in asked) return tell(0, null, bytes.length, asked.problem)
      const { id, command: name, ...fields } = asked.fields
      if (typeof name !== 'string') return tell(id, null, bytes.length, noCommand)
      const refusal = gate.admit(bytes.length)
      if (refusal) return tell(id, name, bytes.length, refusal)
      const around = Object.fromEntries(beside.flatMap((one) => (isGiven(fields[one]) ? [[one, fields[one]]] : [])))
      const own = argumentsOf(stage.commands[name]!, fields[name] as Fields)
      ask({ ...own, ...around, command: name }, (answer) => tell(id, name, bytes.length, answer), call.getPeer())
    })
    call.on('end', () => flow.ended())
    call.on('error', () => {})
  }
}

const noCommand = failure('bad_request', 'a request names one command')

/** Checks that a field is there. Protobuf has no other false than a field that is left out; here a flag is never false. */
const isGiven = (value: unknown) => value !== undefined && value !== null && value !== false

function replyTo(
  id: unknown,
  name: string | null,
  answer: Answer,
  answers: ReadonlyMap<string, Proto>,
  protos: Protos,
): Fields {
  if (!answer.ok) return { id, ...(name === null ? errorReply(answer.error) : { [name]: errorReply(answer.error) }) }
  const around = Object.fromEntries(besideAnswer.map((one) => [one, answer[one]]))
  return { id, ...around, [name!]: replyOf(answer, answers.get(name!)!, protos) }
}

/** Reads no further while too much of a stream waits for answers; ends it when all are given and no request comes. */
function flowOf(call: Call) {
  let [requests, bytes, isOver] = [0, 0, false]
  const endIfDone = () => {
    if (isOver && requests === 0 && !call.writableEnded) call.end()
  }
  return {
    begun(length: number) {
      requests++
      bytes += length
      if (requests >= most.requests || bytes >= most.bytes || call.writableNeedDrain) call.pause()
    },
    done(length: number) {
      requests--
      bytes -= length
      if (!isOver && requests < most.requests / 2 && bytes < most.bytes / 2) call.resume()
      // After the reply is written.
      setImmediate(endIfDone)
    },
    ended() {
      isOver = true
      endIfDone()
    },
  }
}
