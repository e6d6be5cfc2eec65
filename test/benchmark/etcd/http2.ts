/** As much of HTTP/2 (RFC 9113) and its header compression (RFC 7541) as a gRPC client with short messages needs. */

export const frameHeaderBytes = 9
/** What a connection may send before the server makes more room (RFC 9113, 6.9.2), and what one frame may hold (6.5.2). */
export const initialWindow = 65_535
export const maxFrameBytes = 16_384

export const frameTypes = { data: 0, headers: 1, resetStream: 3, settings: 4, ping: 6, windowUpdate: 8 } as const
export const flags = { endStream: 1, acknowledged: 1, endHeaders: 4 } as const

const streamAt = 5

/** What a client says first (3.4), before its settings. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(type: number, flag: number, stream: number, payload: Uint8Array): Buffer {
  const bytes = Buffer.alloc(frameHeaderBytes + payload.length)
  bytes.writeUIntBE(payload.length, 0, 3)
  bytes[3] = type
  bytes[4] = flag
  writeStream(bytes, 0, stream)
  bytes.set(payload, frameHeaderBytes)
  return bytes
}

/** @param at where the frame begins */
export function payloadBytes(bytes: Buffer, at: number): number {
  return bytes.readUIntBE(at, 3)
}

/** Writes a stream's number over another, in place. @param at where the frame begins */
export function writeStream(into: Buffer, at: number, stream: number): void {
  into.writeUInt32BE(stream, at + streamAt)
}

/** Lets the server send so many bytes more: on the connection, which is stream 0. */
export function windowUpdate(by: number): Buffer {
  const payload = Buffer.alloc(4)
  payload.writeUInt32BE(by)
  return frame(frameTypes.windowUpdate, 0, 0, payload)
}

/**
 * The headers of a gRPC request. All are written as they are and none is remembered by either side, so that the same
 * bytes open every request.
 */
export function requestHeaders(path: string): Buffer {
  return Buffer.concat([
    // Whole fields of the static table: `:method POST` and `:scheme http`.
    Buffer.of(0x83, 0x86),
    // Names of the static table, which has 31, `content-type`, in two bytes.
    Buffer.of(0x04),
    text(path),
    Buffer.of(0x01),
    text('localhost'),
    Buffer.of(0x0f, 31 - 15),
    text('application/grpc'),
    Buffer.of(0x00),
    text('te'),
    text('trailers'),
  ])
}

/** Short text after its length, not compressed. */
function text(value: string): Buffer {
  return Buffer.concat([Buffer.of(value.length), Buffer.from(value, 'latin1')])
}
