import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Test } from 'tap'
import { type Address, parseAddress } from '../../src/address.js'
import { systemClock, systemRandom } from '../../src/clock.js'
import type { Foreigner, Member, Message, Network } from '../../src/contracts.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import type { NetworkOptions } from '../../src/network/options.js'
import type { Happened } from '../helpers/happened.js'
import { stage } from './stage.js'

export type Make<N extends Network = Network> = (options: NetworkOptions) => N

/** When nothing has come for so long, what is missing is taken for lost and sent again. */
const quietMs = 150
const rounds = 200

/** Addresses whose ports were free a moment ago for TCP and UDP alike, below the range that the system hands out. */
export async function members(count: number): Promise<Member[]> {
  const taken = new Set<number>()
  while (taken.size < count) {
    const port = 10_000 + Math.floor(Math.random() * 20_000)
    if (await isFree(port)) taken.add(port)
  }
  return [...taken].map((port, at) => ({ id: `n${at + 1}`, client: '127.0.0.1:1', peer: `127.0.0.1:${port}` }))
}

async function isFree(port: number): Promise<boolean> {
  const [server, socket] = [createServer(), createSocket('udp4')]
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
    socket.close()
  }
}

let writes = 0

/** A message with a number of its own, by which it is known when it arrives. */
export function replicate(from: string, to: string, command: object = { command: 'delete', key: 'k' }): Message {
  return { type: 'Replicate', from, to, write: ++writes, command } as Message
}

/** A piece of a snapshot, not its last, and a number of its own as well. */
export function installPiece(from: string, to: string, data: Uint8Array, offset = 0): Message {
  const snapshot = {
    lastIncludedIndex: 7,
    lastIncludedTerm: 3,
    bytes: offset + data.length + 1,
    sha256: 'ab'.repeat(32),
  }
  return { type: 'InstallSnapshot', from, to, term: 4, sequence: ++writes, ...snapshot, offset, data } as Message
}

export function numberOf(message: Message): number {
  const { write, sequence } = message as Message & { write?: number; sequence: number }
  return write ?? sequence
}

/** A network with a memory of what it received and noticed, and ways to wait for it. */
export class Peer<N extends Network = Network> {
  readonly self: string
  readonly address: Address
  readonly network: N
  readonly received: Message[] = []
  readonly notices: Happened[] = []
  /** Nodes that are not heard beside this one. */
  readonly met: Foreigner[] = []
  /** Of whatever happens; and of messages alone. */
  readonly #watchers = new Set<() => void>()
  readonly #listeners = new Set<() => void>()

  constructor(t: Test, make: Make<N>, self: string, members: readonly Member[], changes: Partial<NetworkOptions> = {}) {
    const notice = (event: Happened) => {
      this.notices.push(event)
      for (const watcher of this.#watchers) watcher()
    }
    const world = { codec: jsonCodec(stage), electionMs: 1_000, clock: systemClock, random: systemRandom }
    this.self = self
    this.address = parseAddress(members.find(({ id }) => id === self)!.peer)!
    this.network = make({ self, members, cluster: 'test', isOpen: false, notice, ...world, ...changes })
    t.teardown(() => this.network.stop())
  }

  start(): Promise<void> {
    const receive = (message: Message) => {
      this.received.push(message)
      for (const watcher of [...this.#watchers, ...this.#listeners]) watcher()
    }
    return this.network.start(receive, (node) => {
      this.met.push(node)
      for (const watcher of this.#watchers) watcher()
    })
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#next(this.#watchers)
  }

  /** Resolves when the link to a peer has come up so many times. */
  async linkedTo(peer: string, times = 1): Promise<void> {
    await this.until(() => this.links(peer).filter((change) => change === 'up').length >= times)
  }

  /** What became of the link to a peer: `up`, `down`, … */
  links(peer: string): string[] {
    const changes = this.notices.filter((notice) => notice.peer === peer && notice.event.startsWith('link_'))
    return changes.map(({ event }) => event.slice('link_'.length))
  }

  /** Resolves when something comes; with a number, after so many milliseconds in any case. @returns whether it came */
  async #next(watchers: Set<() => void>, ms = Number.POSITIVE_INFINITY): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (came: boolean) => {
        clearTimeout(timer)
        watchers.delete(watcher)
        resolve(came)
      }
      const watcher = () => done(true)
      const timer = Number.isFinite(ms) ? setTimeout(done, ms, false) : undefined
      watchers.add(watcher)
    })
  }

  /** Sends until all of it has arrived, again and again what has not. @throws Error if it does not come */
  async deliver(to: Peer, ...messages: Message[]): Promise<void> {
    for (let round = 0; round < rounds; round++) {
      const missing = to.missingOf(messages)
      if (missing.length === 0) return
      for (const message of missing) this.network.send(message)
      while (to.missingOf(messages).length > 0 && (await to.#next(to.#listeners, quietMs)));
    }
    const missing = to.missingOf(messages).length
    throw new Error(`${missing} of ${messages.length} messages from ${this.self} to ${to.self} never came`)
  }

  missingOf(messages: readonly Message[]): Message[] {
    const here = new Set(this.received.map(numberOf))
    return messages.filter((message) => !here.has(numberOf(message)))
  }
}
