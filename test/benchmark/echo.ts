/**
 * The measure of what length-framed JSON over TCP costs in Node when nothing is done with it: every request is parsed,
 * written as JSON again and sent back. Deliberately without the project's own framing, checks and limits.
 */
import { type AddressInfo, createServer, type Socket } from 'node:net'

/** What comes back: the whole request, or as little as the answer to a `set` is. */
export type EchoReply = 'request' | 'short'

const headerBytes = 4
const short = process.argv[2] === ('short' satisfies EchoReply)

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    const input = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    const replies: string[] = []
    let at = 0
    while (at + headerBytes <= input.length) {
      const end = at + headerBytes + input.readUInt32BE(at)
      if (end > input.length) break
      replies.push(reply(JSON.parse(input.toString('utf8', at + headerBytes, end))))
      at = end
    }
    rest = input.subarray(at)
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
