import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { NodeId } from '../contracts.js'
import { type ProtocolRange, protocols, rangeText } from './protocols.js'

/*
 * The form of a datagram, without a socket. It is small enough to cross any usual network in one piece, and carries
 * several whole messages, or one fragment of a message that is too long for that.
 */

/**
 * The version since which hello, callback and refused have the form that they have: they are read in any later version,
 * because they say which versions their sender speaks.
 */
const oldestReadable = 3
/**
 * Bytes that a datagram carries after its header: with the headers of UDP and IP well below the 1,500 bytes of
 * Ethernet.
 */
export const payloadBytes = 1_200
/**
 * The kinds of datagrams. `hello` asks whether a peer is there; `answer` repeats the hello's number; `data` carries
 * messages. `callback` is the hello of a node that answers a non-member. A hello and a callback hold their sender's
 * identity; so does `refused`, the answer to a node of another cluster, or to a copy of a peer's folder.
 */
const kinds = ['hello', 'answer', 'data', 'callback', 'refused'] as const

export interface Datagram extends Parcel {
  /** The version of the protocol; the oldest that is spoken if it is left out. */
  readonly protocol?: number
  /** The name of the cluster, as {@link clusterHash}. */
  readonly cluster: string
  /**
   * A random number that the sender's process drew when it started. A new process numbers its messages from 0 again.
   */
  readonly session: number
  readonly kind: (typeof kinds)[number]
  readonly from: NodeId
  readonly to: NodeId
}

/** The content of one datagram: whole messages each behind its length (`count` 1), or one of `count` fragments. */
export interface Parcel {
  /** The number of the message, counted by its sender: it keeps the fragments of two messages apart. */
  readonly number: number
  /** The place of this fragment among the message's fragments, from 0. */
  readonly index: number
  /** The number of the message's fragments; 1 for whole messages. */
  readonly count: number
  readonly payload: Buffer
}

/** Two bytes at the beginning of every datagram of this protocol. */
const magic = 0x5252
/** Bytes of magic, version, and checksum of all that follows. */
const prefixBytes = 8
/**
 * Bytes of cluster, session, kind, number, index and count. The two names follow, each behind its length in one byte.
 */
const fixedBytes = 8 + 4 + 1 + 4 + 2 + 2
/** Bytes of the length in front of each whole message. */
export const lengthBytes = 2

export function clusterHash(cluster: string): string {
  return createHash('sha256').update(cluster).digest('hex').slice(0, 16)
}

export function encodeDatagram(datagram: Datagram): Buffer {
  const { cluster, session, kind, number, index, count, from, to, payload } = datagram
  const { protocol = protocols.from } = datagram
  const names = [from, to].map((name) => Buffer.from(name))
  const namesBytes = names.reduce((sum, name) => sum + 1 + name.length, 0)
  const bytes = Buffer.allocUnsafe(prefixBytes + fixedBytes + namesBytes + payload.length)
  let at = prefixBytes
  at += bytes.write(cluster, at, 'hex')
  at = bytes.writeUInt32BE(session, at)
  at = bytes.writeUInt8(kinds.indexOf(kind), at)
  at = bytes.writeUInt32BE(number, at)
  at = bytes.writeUInt16BE(index, at)
  at = bytes.writeUInt16BE(count, at)
  for (const name of names) {
    at = bytes.writeUInt8(name.length, at)
    at += name.copy(bytes, at)
  }
  payload.copy(bytes, at)
  bytes.writeUInt16BE(magic, 0)
  bytes.writeUInt16BE(protocol, 2)
  bytes.writeUInt32BE(crc32(bytes.subarray(prefixBytes)), 4)
  return bytes
}

/**
 * Decodes a datagram.
 *
 * @param spoken the versions in which messages are understood
 * @throws Error that says why these bytes are no datagram of this protocol
 */
export function decodeDatagram(bytes: Buffer, spoken: ProtocolRange = protocols): Datagram {
  if (bytes.length < prefixBytes + fixedBytes + 2 || bytes.readUInt16BE(0) !== magic) {
    throw new Error('it is no datagram of this protocol')
  }
  const protocol = bytes.readUInt16BE(2)
  const kind = kinds[bytes.readUInt8(20)]
  const isSpoken = protocol >= spoken.from && protocol <= spoken.to
  if (!isSpoken && (protocol < oldestReadable || kind === 'data' || kind === 'answer'))
    throw new Error(`it speaks protocol ${protocol}, not ${rangeText(spoken)}`)
  if (bytes.readUInt32BE(4) !== crc32(bytes.subarray(prefixBytes))) throw new Error('its checksum is wrong')
  const index = bytes.readUInt16BE(25)
  const count = bytes.readUInt16BE(27)
  const [from, afterFrom] = readName(bytes, prefixBytes + fixedBytes)
  const [to, end] = readName(bytes, afterFrom)
  if (!kind || index >= count || end > bytes.length) throw new Error('its header makes no sense')
  return {
    protocol,
    cluster: bytes.toString('hex', prefixBytes, 16),
    session: bytes.readUInt32BE(16),
    kind,
    number: bytes.readUInt32BE(21),
    index,
    count,
    from,
    to,
    payload: bytes.subarray(end),
  }
}

function readName(bytes: Buffer, at: number): [name: string, end: number] {
  const end = at + 1 + (bytes[at] ?? bytes.length)
  return [bytes.toString('utf8', at + 1, end), end]
}

/** Packs whole messages into one payload, each message behind its length. */
export function pack(messages: readonly Buffer[]): Buffer {
  return Buffer.concat(messages.flatMap((message) => [Buffer.of(message.length >> 8, message.length & 0xff), message]))
}

/** Takes apart a payload that {@link pack} made. @throws Error if the lengths do not add up */
export function unpack(payload: Buffer): Buffer[] {
  const messages: Buffer[] = []
  let at = 0
  while (at < payload.length) {
    const start = at + lengthBytes
    at = start <= payload.length ? start + payload.readUInt16BE(at) : start
    if (at > payload.length) throw new Error('its messages do not fill it')
    messages.push(payload.subarray(start, at))
  }
  return messages
}
