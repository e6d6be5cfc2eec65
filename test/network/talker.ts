/**
 * A node that is nothing but its networks, for a host of its own. On every wire it says something to each peer in every
 * tick. Silence is counted in its own ticks: a process that gets no processor time counts none.
 */
import { systemClock, systemRandom } from '../../src/clock.js'
import type { Member, Message, NodeId } from '../../src/contracts.js'
import { jsonCodec } from '../../src/network/json-codec.js'
import { stage } from './stage.js'
import { wires } from './wires.js'

export interface TalkerSettings {
  readonly self: NodeId
  /** The members on each wire: every wire has ports of its own. */
  readonly members: Readonly<Record<string, readonly Member[]>>
  readonly electionMs: number
  readonly tickMs: number
}

/** What a talker tells: every tick, or what happened on one of its wires. */
export type Told =
  | { readonly event: 'tick'; readonly ticks: number }
  | {
      readonly event: 'heard' | 'link_up' | 'link_down'
      readonly wire: string
      readonly peer: NodeId
      /** Ticks for which nothing had come from the peer. */
      readonly quiet: number
      /** Ticks since the start. */
      readonly ticks: number
    }

const { self, members, electionMs, tickMs } = JSON.parse(process.argv[2]!) as TalkerSettings
let [ticks, numbers] = [0, 0]
const tell = (told: Told) => process.send!(told, () => {})

async function speak(wire: string, all: readonly Member[]): Promise<() => void> {
  const heardAt = new Map<NodeId, number>()
  const report = (event: 'heard' | 'link_up' | 'link_down', peer: NodeId) =>
    tell({ event, wire, peer, quiet: ticks - (heardAt.get(peer) ?? 0), ticks })
  const network = wires[wire]!.open()({
    ...{ self, members: all, cluster: 'test', isOpen: false, electionMs },
    ...{ clock: systemClock, random: systemRandom, codec: jsonCodec(stage) },
    notice: (notice) => {
      if (notice.event === 'link_up' || notice.event === 'link_down') report(notice.event, notice.peer)
    },
  })
  await network.start(({ from }) => {
    if (heardAt.get(from) === ticks) return
    report('heard', from)
    heardAt.set(from, ticks)
  })
  const peers = all.filter(({ id }) => id !== self)
  return () => {
    for (const { id: to } of peers) {
      const command = { command: 'delete', key: 'k' }
      network.send({ type: 'Replicate', from: self, to, write: ++numbers, command } as Message)
    }
  }
}

process.on('disconnect', () => process.exit())
const speakers = await Promise.all(Object.entries(members).map(([wire, all]) => speak(wire, all)))
setInterval(() => {
  ticks++
  for (const say of speakers) say()
  tell({ event: 'tick', ticks })
}, tickMs)
