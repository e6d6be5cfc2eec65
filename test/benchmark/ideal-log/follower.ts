import { type AddressInfo, createServer, type Socket } from 'node:net'
import { encodeFrames } from '../../../src/network/framing.js'
import { Frames, headerBytes } from '../frames.js'
import { BatchFile } from './batch-file.js'

/** What a client asked for; the leader pastes its text into a batch as it came. */
export interface Entry {
  readonly id: number
  readonly command: string
  readonly key: string
  readonly value: string
}

/** What a leader sends: the entries of one turn, and how many batches a majority holds. */
export interface Batch {
  readonly committed: number
  readonly entries: readonly Entry[]
}

/** What a follower answers: how many batches its disk holds. */
export interface Durable {
  readonly durable: number
}

/** Serves one leader. The bytes that come are the bytes that go to the disk; they are parsed while it works. */
export function startFollower(path: string, onListening: (port: number) => void): void {
  const server = createServer({ noDelay: true }, (leader) => follow(leader, path))
  server.listen({ host: '127.0.0.1', port: 0 }, () => onListening((server.address() as AddressInfo).port))
}

function follow(leader: Socket, path: string): void {
  const map = new Map<string, string>()
  const frames = new Frames()
  const file = new BatchFile(path, (durable) => leader.write(encodeFrames([JSON.stringify({ durable })])))
  const unapplied: (readonly Entry[])[] = []
  let applied = 0
  leader.on('error', () => leader.destroy())
  leader.on('data', (chunk: Buffer) => {
    const texts: string[] = []
    frames.push(chunk, (input, from, end) => {
      file.append(input.subarray(from - headerBytes, end))
      texts.push(input.toString('utf8', from, end))
    })
    for (const text of texts) {
      const { committed, entries } = JSON.parse(text) as Batch
      unapplied.push(entries)
      for (; applied < committed; applied++) for (const { key, value } of unapplied.shift()!) map.set(key, value)
    }
  })
}
