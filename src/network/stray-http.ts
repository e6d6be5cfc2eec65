/**
 * Requests of HTTP that come to a port of another protocol. A page in a browser can post text to any port that the
 * browser reaches, and the text may hold lines of JSON: so a connection that speaks HTTP is ended at its first line.
 */
import type { Socket } from 'node:net'
import { lastWordsMs } from './connection-limits.js'

/** The end of a request line (RFC 9112, 3): the version. */
const version = / HTTP\/\d\.\d\s*$/
/** Bytes of a line's end that are looked at. */
const versionBytes = 16
/** The first four bytes of a request, with a method that browsers and tools use; and those of HTTP/2. */
const methods = /^(?:GET |PUT |PRI |HEAD|POST|DELE|OPTI|PATC|CONN|TRAC)/
const openingBrace = 0x7b

/** The reason that an event gives for the end of a connection. */
export const spokeHttp = 'it spoke HTTP'

/** Checks whether a line is the first line of an HTTP request; its method may be any. No object of JSON begins so. */
export function isRequestLine(line: Buffer): boolean {
  return line[0] !== openingBrace && version.test(line.subarray(-versionBytes).toString('latin1'))
}

/** Checks whether the first bytes of a connection begin an HTTP request. @param bytes four at least */
export function beginsHttp(bytes: Buffer): boolean {
  return methods.test(bytes.subarray(0, 4).toString('latin1'))
}

/**
 * Answers an HTTP request with one sentence, for a person before a browser, and ends the connection. Whatever else comes
 * is thrown away: unread, it would reset the connection before the answer has arrived.
 */
export function refuseHttp(socket: Socket, sentence: string): void {
  const body = `${sentence}\n`
  const head = [
    'HTTP/1.1 400 Bad Request',
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'x-content-type-options: nosniff',
    'connection: close',
  ]
  socket.removeAllListeners('data').resume()
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
  setTimeout(() => socket.destroy(), lastWordsMs).unref()
}

/** Names the place of the metrics in a sentence. @param address the port for metrics, if there is one */
export function metricsSentence(address?: string): string {
  return address === undefined
    ? 'metrics and health are served over HTTP by a node that was started with --metrics-port.'
    : `metrics and health are at http://${address}/metrics, /livez and /readyz.`
}
