/** A node in a thread of its own, which stops reading, as a process does that was sent SIGSTOP, until it is woken. */
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock, systemRandom } from '../../src/clock.js'
import type { Member } from '../../src/contracts.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { stage } from './stage.js'
import { wires } from './wires.js'

const { wire, self, members, woken } = workerData as {
  wire: string
  self: string
  members: Member[]
  /** 1 once it may go on. */
  woken: Int32Array
}

const world = { electionMs: 1_000, clock: systemClock, random: systemRandom, codec: jsonCodec(stage) }
const network = wires[wire]!.open()({ self, members, cluster: 'test', isOpen: false, notice: () => {}, ...world })
await network.start((message) => {
  // What it gets, it sends back, so that the other side knows.
  network.send({ ...message, from: message.to, to: message.from })
})
parentPort!.on('message', () => {
  parentPort!.postMessage('stopped')
  Atomics.wait(woken, 0, 0)
})
parentPort!.postMessage('started')
