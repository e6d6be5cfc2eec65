/** As much of OpenBSD's `nc` as the lessons use, for machines without one: `nc [-N] [-w seconds] [-l] host port`. */
import { connect, createServer, type Socket } from 'node:net'
import { parseArgs } from 'node:util'

const { values, positionals } = parseArgs({
  options: {
    N: { type: 'boolean', short: 'N' },
    l: { type: 'boolean', short: 'l' },
    w: { type: 'string', short: 'w' },
  },
  allowPositionals: true,
})
const [host, port] = positionals as [string, string]

function join(socket: Socket): void {
  process.stdin.pipe(socket, { end: values.N ?? false })
  socket.pipe(process.stdout)
  socket.on('error', () => process.exit(1))
  // What was read last may still wait for the reader of standard output.
  socket.on('close', () => process.stdout.write('', () => process.exit(0)))
  process.stdout.on('error', () => process.exit(0))
  if (values.w) socket.setTimeout(Number(values.w) * 1000, () => process.exit(0))
}

if (values.l) {
  const server = createServer((socket) => {
    server.close()
    join(socket)
  })
  server.listen(Number(port), host)
} else join(connect({ host, port: Number(port), allowHalfOpen: true }))
