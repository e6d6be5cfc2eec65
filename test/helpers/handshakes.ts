/** Floods a port with TLS handshakes from a process of its own: whole ones, and those that stop half-way. */
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { TlsFiles } from '../../src/network/certificates.js'

const [port, count, atOnce, text] = process.argv.slice(2) as [string, string, string, string]
const files = JSON.parse(text) as TlsFiles
const where = { host: '127.0.0.1', port: Number(port) }
/** The beginning of a greeting, which promises more. */
const half = Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01])

/** Makes one connection, and ends it when it has come so far as it shall. */
function one(number: number): Promise<void> {
  return new Promise((resolve) => {
    const isHalf = number % 4 === 0
    const socket = isHalf ? connect(where) : connectTls({ ...where, ...files, checkServerIdentity: () => undefined })
    socket.on('error', () => {}).on('close', () => resolve())
    if (isHalf) socket.on('connect', () => socket.write(half, () => socket.destroy()))
    else socket.on('secureConnect', () => socket.destroy())
  })
}

let next = 0
await Promise.all(
  Array.from({ length: Number(atOnce) }, async () => {
    while (next < Number(count)) await one(next++)
  }),
)
