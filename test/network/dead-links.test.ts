/**
 * Packets are really dropped here, between hosts of their own: no process is told of it, and no packet says that a link
 * is dead. All networks run beside each other on the two hosts. Times are counted in the hosts' own ticks.
 */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Member } from '../../src/contracts.js'
import { size } from '../helpers/effort.js'
import { Hosts, namespacesOnly, type Way } from '../helpers/namespaces.js'
import type { TalkerSettings, Told } from './talker.js'
import { wires } from './wires.js'

const electionTicks = 20
const tickMs = 20
const electionMs = electionTicks * tickMs
/**
 * Ticks of an outage. Without probes, the kernel of the side that sends would then wait for many time-outs more before
 * it tries again: its pauses double.
 */
const outageTicks = size(9 * electionTicks, 112 * electionTicks)
/** Ticks within which a peer is heard again. An attempt under way that hangs takes half of an election time-out. */
const soon = 2 * electionTicks

const names = Object.keys(wires)
const connected = ['tcp', 'grpc']
const talker = fileURLToPath(new URL('talker.js', import.meta.url))

/** The node at the centre, to which all others speak, and one node for each way in which a link can die. */
const ids = ['n1', 'silent', 'unheard', 'deaf', 'forgotten', 'vanished'] as const
type Id = (typeof ids)[number]
type Happened = Exclude<Told, { readonly event: 'tick' }>

/** A talker's process, with a memory of what it told. */
class Talker {
  readonly process: ChildProcess
  readonly told: Happened[] = []
  ticks = 0
  readonly #watchers = new Set<() => void>()

  constructor(hosts: Hosts, self: Id) {
    const others = self === 'n1' ? ids : (['n1', self] as const)
    const member = (id: Id, port: number): Member => ({
      id,
      client: '127.0.0.1:1',
      peer: `${hosts.address(id)}:${port}`,
    })
    const members = Object.fromEntries(names.map((wire, at) => [wire, others.map((id) => member(id, 7_000 + at))]))
    const settings: TalkerSettings = { self, members, electionMs, tickMs }
    this.process = hosts.spawn(self, process.execPath, [talker, JSON.stringify(settings)])
    this.process.on('message', (told: Told) => {
      this.ticks = told.ticks
      if (told.event !== 'tick') this.told.push(told)
      for (const watcher of this.#watchers) watcher()
    })
    this.process.once('exit', () => {
      for (const watcher of this.#watchers) watcher()
    })
  }

  /** Waits until something is so. @throws Error if the process ends before */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      const { exitCode } = this.process
      if (exitCode !== null) throw new Error(`a talker ended with ${exitCode}`)
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** Waits for an event about a peer on a wire: the first of those from `from` on. */
  async event(event: Happened['event'], wire: string, peer: Id, from = 0): Promise<Happened> {
    const isIt = (one: Happened, at: number) =>
      at >= from && one.event === event && one.wire === wire && one.peer === peer
    await this.until(() => this.told.some(isIt))
    return this.told.find(isIt)!
  }

  async pass(ticks: number): Promise<void> {
    const end = this.ticks + ticks
    await this.until(() => this.ticks >= end)
  }
}

/** One node, whose links die, and the node at the centre. */
interface Scene {
  readonly t: Test
  readonly hosts: Hosts
  readonly n1: Talker
  readonly id: Id
  readonly node: Talker
}

/** After a long outage, each of the two hears the other soon. */
async function outage({ t, hosts, n1, id, node }: Scene, ways: readonly Way[]): Promise<void> {
  hosts.lose(id, ways)
  await node.pass(outageTicks)
  const healed = [n1, node].map(({ ticks, told }) => ({ ticks, from: told.length })) as [Moment, Moment]
  hosts.heal(id)
  for (const wire of names) {
    const hears = await node.event('heard', wire, 'n1', healed[1].from)
    const isHeard = await n1.event('heard', wire, id, healed[0].from)
    const [there, here] = [hears.ticks - healed[1].ticks, isHeard.ticks - healed[0].ticks]
    t.ok(there <= soon && here <= soon, `${id}, ${wire}: heard ${there} and ${here} ticks after the heal`)
  }
}

interface Moment {
  readonly ticks: number
  readonly from: number
}

/** Packets of the connections that stand are lost for good. New connections can be made, and they are. */
async function forgotten({ t, hosts, n1, id, node }: Scene): Promise<void> {
  const [from, since] = [node.told.length, n1.told.length]
  hosts.loseConnections(id)
  for (const wire of connected) {
    const down = await n1.event('link_down', wire, id, since)
    await n1.event('link_up', wire, id, n1.told.indexOf(down))
    await node.pass(electionTicks)
    const silences = node.told.slice(from).filter((one) => one.wire === wire && one.event === 'heard')
    const longest = Math.max(...silences.map(({ quiet }) => quiet))
    t.ok(longest <= soon, `${id}, ${wire}: the longest silence was ${longest} ticks`)
  }
}

/** A host is gone, without a packet. Later there is another in its place, which knows nothing of the connections. */
async function vanished({ t, hosts, n1, id, node }: Scene): Promise<void> {
  const since = n1.told.length
  hosts.lose(id)
  node.process.kill('SIGKILL')
  for (const wire of names) {
    const { quiet } = await n1.event('link_down', wire, id, since)
    t.ok(quiet <= soon, `${id}, ${wire}: noticed after ${quiet} ticks of silence`)
  }
  await n1.pass(outageTicks)
  hosts.heal(id)
  const again = new Talker(hosts, id)
  for (const wire of names) {
    const { ticks } = await again.event('heard', wire, 'n1')
    t.ok(ticks <= soon, `${id}, ${wire}: the new process is spoken to in its tick ${ticks}`)
  }
}

const scenes: Readonly<Record<Exclude<Id, 'n1'>, (scene: Scene) => Promise<void>>> = {
  silent: (scene) => outage(scene, ['incoming', 'outgoing']),
  unheard: (scene) => outage(scene, ['outgoing']),
  deaf: (scene) => outage(scene, ['incoming']),
  forgotten,
  vanished,
}

t.test('a dead link is noticed, and replaced soon after packets pass again', namespacesOnly, async (t) => {
  const hosts = new Hosts(t, ids)
  const talkers = new Map(ids.map((id) => [id, new Talker(hosts, id)]))
  const n1 = talkers.get('n1')!
  const others = Object.entries(scenes) as [Exclude<Id, 'n1'>, (scene: Scene) => Promise<void>][]
  for (const [id] of others) {
    for (const wire of names) {
      await Promise.all([n1.event('heard', wire, id), talkers.get(id)!.event('heard', wire, 'n1')])
      await Promise.all([n1.event('link_up', wire, id), talkers.get(id)!.event('link_up', wire, 'n1')])
    }
  }
  await Promise.all(others.map(([id, play]) => play({ t, hosts, n1, id, node: talkers.get(id)! })))
})
