import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { encodeFrames } from '../../../src/network/framing.js'
import { Frames } from '../frames.js'
import { BatchFile } from './batch-file.js'
import type { Durable, Entry } from './follower.js'

/** A set that waits for a majority. */
interface Proposal {
  readonly client: ClientConnection
  readonly entry: Entry
}

/**
 * The fixed leader. What arrives while its disk is busy is one batch: made once, sent to every follower, whatever they
 * still have to acknowledge, and appended to the leader's own file meanwhile. To send in smaller batches, as requests
 * come, was measured and is slower. A batch that a majority of disks holds is applied and answered.
 */
export class Leader {
  readonly #map = new Map<string, string>()
  readonly #followers: readonly Socket[]
  readonly #file: BatchFile
  /** How many batches each disk holds, the leader's own first. */
  readonly #durable: number[]
  #next: { texts: string[]; proposals: Proposal[] } | null = null
  #waiting: Proposal[][] = []
  #committed = 0

  constructor(path: string, followers: readonly number[]) {
    this.#durable = [0, ...followers.map(() => 0)]
    this.#file = new BatchFile(path, (count) => {
      if (this.#next) this.#send()
      this.#isDurable(0, count)
    })
    this.#followers = followers.map((port, position) => this.#connect(port, position + 1))
  }

  #connect(port: number, position: number): Socket {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    const frames = new Frames()
    const acknowledged = (input: Buffer, from: number, end: number) => {
      this.#isDurable(position, (JSON.parse(input.toString('latin1', from, end)) as Durable).durable)
    }
    return socket.on('data', (chunk: Buffer) => frames.push(chunk, acknowledged))
  }

  listen(onListening: (port: number) => void): void {
    const server = createServer({ noDelay: true }, (socket) => {
      new ClientConnection(socket, this)
    })
    server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () =>
      onListening((server.address() as AddressInfo).port),
    )
  }

  /** The leader is fixed and acknowledges only what it has applied: its own map is always the newest there is. */
  get(key: string): string | null {
    return this.#map.get(key) ?? null
  }

  /** @param text the request as it came: it is pasted into the batch and not written as JSON again */
  propose(proposal: Proposal, text: string): void {
    if (!this.#next) {
      this.#next = { texts: [], proposals: [] }
      // An idle disk waits for what else has arrived already; a busy one tells us when it is done.
      if (!this.#file.busy) setImmediate(() => this.#send())
    }
    this.#next.texts.push(text)
    this.#next.proposals.push(proposal)
  }

  #send(): void {
    const { texts, proposals } = this.#next!
    this.#next = null
    const frame = encodeFrames([`{"committed":${this.#committed},"entries":[${texts.join(',')}]}`])
    this.#waiting.push(proposals)
    for (const follower of this.#followers) follower.write(frame)
    this.#file.append(frame)
  }

  #isDurable(node: number, count: number): void {
    this.#durable[node] = count
    const descending = this.#durable.toSorted((a, b) => b - a)
    const committed = descending[Math.floor(descending.length / 2)]!
    if (committed > this.#committed) this.#commit(committed)
  }

  #commit(committed: number): void {
    const clients = new Set<ClientConnection>()
    for (const proposals of this.#waiting.splice(0, committed - this.#committed)) {
      for (const { client, entry } of proposals) {
        this.#map.set(entry.key, entry.value)
        client.answer(`{"id":${entry.id},"ok":true}`)
        clients.add(client)
      }
    }
    this.#committed = committed
    for (const client of clients) client.flush()
  }
}

/** One client's connection; its answers are kept until they are flushed, so that one write carries many. */
class ClientConnection {
  readonly #socket: Socket
  #answers: string[] = []

  constructor(socket: Socket, leader: Leader) {
    this.#socket = socket
    const frames = new Frames()
    const request = (input: Buffer, from: number, end: number) => {
      const text = input.toString('utf8', from, end)
      const entry = JSON.parse(text) as Entry
      if (entry.command === 'set') return leader.propose({ client: this, entry }, text)
      this.answer(JSON.stringify({ id: entry.id, ok: true, value: leader.get(entry.key) }))
    }
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk: Buffer) => {
      frames.push(chunk, request)
      this.flush()
    })
  }

  answer(text: string): void {
    this.#answers.push(text)
  }

  flush(): void {
    if (this.#answers.length === 0) return
    this.#socket.write(encodeFrames(this.#answers))
    this.#answers = []
  }
}
