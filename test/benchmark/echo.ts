/**
 * The measure of what length-framed JSON over TCP costs in Node when nothing is done with it: every request is parsed,
 * written as JSON again and sent back. Deliberately without the project's own framing, checks and limits.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Frames } from './frames.js'

/** What comes back: the whole request, or as little as the answer to a `set` is. */
export type EchoReply = 'request' | 'short'

const headerBytes = 4
const short = process.argv[2] === ('short' satisfies EchoReply)

function serve(socket: Socket): void {
  const input = new Frames()
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    const replies: string[] = []
    input.push(chunk, (bytes, from, end) => replies.push(reply(JSON.parse(bytes.toString('utf8', from, end)))))
    if (replies.length > 0) socket.write(frames(replies))
  })
}

function reply(request: { id: number }): string {
  return JSON.stringify(short ? { id: request.id, ok: true } : request)
}

/** All replies to one chunk in one buffer, and so in one write. */
function frames(replies: readonly string[]): Buffer {
  const lengths = replies.map((text) => Buffer.byteLength(text))
  const bytes = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerBytes + length, 0))
  let at = 0
  for (let position = 0; position < replies.length; position++) {
    at = bytes.writeUInt32BE(lengths[position]!, at)
    at += bytes.write(replies[position]!, at)
  }
  return bytes
}

process.on('disconnect', () => process.exit())
// Ctrl-C goes to the whole process group; what it means is for the starter to decide.
process.on('SIGINT', () => {})

const server = createServer({ noDelay: true }, serve)
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () =>
  process.send!((server.address() as AddressInfo).port),
)
