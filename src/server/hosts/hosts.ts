import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import type { NodeId } from '../../contracts.js'
import { ConfigError } from '../../errors.js'
import type { Delay, Direction } from '../../network/faults.js'
import { DelayLine } from './delay-line.js'
import { run } from './tools.js'

/** A host: a network namespace with one cable to the switch, and what is broken on it. */
interface Host {
  readonly name: NodeId
  /** The end of its cable at the switch. */
  readonly cable: string
  /** The number of its present address. */
  address: number
  /** Hosts whose packets are lost on their way to this one. */
  readonly cutFrom: Set<NodeId>
  /** True if its cable is pulled. */
  isUnplugged: boolean
  /** True if each first packet of a connection to it is lost. */
  isDeaf: boolean
  /** The part of the packets to it that are lost, in percent. */
  loss: number
  /** The queue by which its packets leave, in the words of tc(8); null for the usual one. */
  queue: string | null
  /** The queue by which packets come to it. */
  inward: string | null
  /** The extra time that what it sends to other hosts takes. */
  delay: Delay
  /** Bytes of a packet at most. */
  mtu: number
}

/** Sites: groups of hosts, far from each other. A host that none of them names is at a further one. */
export interface Sites {
  readonly groups: readonly (readonly NodeId[])[]
  /** Milliseconds that a packet takes from one to another. */
  readonly ms: number
}

/** Addresses of all hosts begin with this. */
const net = '10.77.0'
/** The number of the supervisor's own address, at the switch. */
const supervisor = 254
const usualMtu = 1_500
/** The program's own folder for what only this process and its children see. */
const folder = '/run'
const namesFile = `${folder}/hosts`
const resolverFile = `${folder}/resolv.conf`

/**
 * Hosts of one cluster, each a network namespace with an address and a name. Packets are lost in the kernel: the nodes on
 * the hosts are told of nothing.
 *
 * The process that makes them runs in a network and mount namespace of its own (`unshare --net --mount`): whatever is made
 * here ends with it and its children, and nothing outside is touched.
 */
export class Hosts {
  readonly #hosts = new Map<NodeId, Host>()
  #numbers = 0
  /** False while the names of the hosts are not to be found. */
  #isResolving = true
  #sites: Sites = nearby
  /** The line of packets that are delayed; null until the first delay. */
  #line: Promise<DelayLine> | null = null

  /** Makes the switch, the names, and a resolver that answers nothing. @throws ConfigError if the system refuses */
  static async open(): Promise<Hosts> {
    await run('mount', ['-t', 'tmpfs', 'tmpfs', folder])
    await mkdir(`${folder}/netns`)
    await run('ip', ['-batch', '-'], openingLines)
    // Whoever asks the resolver for a name that the file of names lacks waits: the question is lost.
    await run('nft', ['-f', '-'], lines(...filterLines(['udp dport 53 drop', 'tcp dport 53 drop'])))
    const hosts = new Hosts()
    await hosts.#writeNames()
    await run('mount', ['--bind', namesFile, '/etc/hosts'])
    if (existsSync('/etc/resolv.conf')) {
      await writeFile(resolverFile, `nameserver ${net}.${supervisor}\n`)
      await run('mount', ['--bind', resolverFile, '/etc/resolv.conf'])
    }
    return hosts
  }

  /** Makes a host, unless it is there. */
  async add(name: NodeId): Promise<void> {
    if (this.#hosts.has(name)) return
    const whole = { cutFrom: new Set<NodeId>(), isUnplugged: false, isDeaf: false, loss: 0, mtu: usualMtu }
    const swift = { queue: null, inward: null, delay: null }
    const address = this.#nextAddress()
    const host: Host = { name, cable: `cable${address}`, address, ...whole, ...swift }
    this.#hosts.set(name, host)
    await run('ip', ['netns', 'add', name])
    const pair = `link add ${host.cable} type veth peer name eth0 netns ${name}`
    await run('ip', ['-batch', '-'], lines(pair, `link set ${host.cable} master switch up`))
    await run('ip', ['-n', name, '-batch', '-'], lines('link set lo up', 'link set eth0 up', addressLine('add', host)))
    await this.#writeNames()
    await this.#route()
  }

  /** Lists the names of all hosts. */
  names(): NodeId[] {
    return [...this.#hosts.keys()]
  }

  /** Gives the command that runs a command on a host. */
  commandOn(name: NodeId, command: readonly string[]): readonly string[] {
    return ['nsenter', `--net=${folder}/netns/${this.#host(name).name}`, ...command]
  }

  /** Gives the present address of a host. */
  addressOn(name: NodeId): string {
    return addressOf(this.#host(name))
  }

  /** Loses the packets that one host sends to another: all links at once, as near as a system can. */
  async cut(links: readonly Direction[]): Promise<void> {
    const ends = links.map((link) => link.split('>').map((name) => this.#host(name)) as [Host, Host])
    for (const [from, to] of ends) to.cutFrom.add(from.name)
    await this.#filterAll(new Set(ends.map(([, to]) => to)))
  }

  /** Mends every link: no packet is cut off, delayed, lost or too long any more, and every cable is plugged in. */
  async heal(): Promise<void> {
    for (const host of this.#hosts.values()) {
      host.cutFrom.clear()
      host.isDeaf = false
      host.loss = 0
    }
    await this.#filterAll(this.#hosts.values())
    for (const host of this.#hosts.values()) {
      if (host.isUnplugged) await this.plug(host.name)
      if (host.queue !== null || host.inward !== null) await this.queue(host.name, null)
      if (host.mtu !== usualMtu) await this.limit(host.name, usualMtu)
    }
    await this.delay(this.names(), null)
    await this.part(nearby)
    await this.resolve(true)
  }

  /** Removes a host. */
  async remove(name: NodeId): Promise<void> {
    if (!this.#hosts.delete(name)) return
    await run('ip', ['netns', 'del', name])
    for (const other of this.#hosts.values()) if (other.cutFrom.delete(name)) await this.#filter(other)
    await this.#writeNames()
    await this.#route()
  }

  /** Pulls a host's cable: its packets are lost, and neither end of a connection is told. */
  async unplug(name: NodeId): Promise<void> {
    const host = this.#host(name)
    if (host.isUnplugged) throw new ConfigError(`the cable of ${name} is pulled already; \`plug ${name}\` plugs it in`)
    await run('ip', ['link', 'set', host.cable, 'down'])
    host.isUnplugged = true
  }

  async plug(name: NodeId): Promise<void> {
    const host = this.#host(name)
    if (!host.isUnplugged) throw new ConfigError(`the cable of ${name} is plugged in`)
    await run('ip', ['link', 'set', host.cable, 'up'])
    host.isUnplugged = false
  }

  /** Gives a host another address under its old name. Connections to the old one are dead. @returns the new address */
  async move(name: NodeId): Promise<string> {
    const host = this.#host(name)
    const before = addressLine('del', host)
    host.address = this.#nextAddress()
    await run('ip', ['-n', name, '-batch', '-'], lines(before, addressLine('add', host)))
    await this.#writeNames()
    for (const other of this.#hosts.values()) if (other.cutFrom.has(name)) await this.#filter(other)
    await this.#route()
    return addressOf(host)
  }

  /**
   * Gives a host's packets another queue to leave by, and those to it another one to come by.
   *
   * @param queue in the words of tc(8); null for the usual one
   * @param inward the same, at the other end of the cable
   */
  async queue(name: NodeId, queue: string | null, inward: string | null = null): Promise<void> {
    const host = this.#host(name)
    await setQueue(['-n', name], 'eth0', host.queue, queue)
    host.queue = queue
    await setQueue([], host.cable, host.inward, inward)
    host.inward = inward
  }

  /** Delays what these hosts send to others; null ends the delay. @throws ConfigError if no packet can be delayed here */
  async delay(names: readonly NodeId[], delay: Delay): Promise<void> {
    const hosts = names.map((name) => this.#host(name))
    if (delay !== null) await this.#openLine()
    for (const host of hosts) host.delay = delay
    await this.#route()
  }

  /** Moves sites apart. @throws ConfigError if no packet can be delayed here */
  async part(sites: Sites): Promise<void> {
    for (const name of sites.groups.flat()) this.#host(name)
    if (sites.ms > 0) await this.#openLine()
    this.#sites = sites
    await this.#route()
  }

  /** Loses a part of the packets to a host, in percent. */
  async lose(name: NodeId, percent: number): Promise<void> {
    const host = this.#host(name)
    host.loss = percent
    await this.#filter(host)
  }

  /** Limits the packets that a host sends and takes to so many bytes. */
  async limit(name: NodeId, bytes: number): Promise<void> {
    const host = this.#host(name)
    await run('ip', ['-n', name, 'link', 'set', 'eth0', 'mtu', String(bytes)])
    host.mtu = bytes
  }

  /** Loses each first packet of a connection to a host: connections stand, and new ones cannot be made. */
  async deafen(name: NodeId): Promise<void> {
    const host = this.#host(name)
    host.isDeaf = true
    await this.#filter(host)
  }

  /** Lets names be found, or lets whoever asks for a name wait for an answer that never comes. */
  async resolve(isResolving: boolean): Promise<void> {
    this.#isResolving = isResolving
    await this.#writeNames()
  }

  #host(name: NodeId): Host {
    const host = this.#hosts.get(name)
    if (host) return host
    throw new ConfigError(`there is no host ${name}; there are ${this.names().join(', ')}`)
  }

  #nextAddress(): number {
    if (++this.#numbers < supervisor) return this.#numbers
    throw new ConfigError(`there are no more addresses: ${supervisor - 1} were given out`)
  }

  async #openLine(): Promise<void> {
    this.#line ??= DelayLine.open((from, to) => this.#wayMs(from, to)).catch((error) => {
      this.#line = null
      throw error
    })
    await this.#line
  }

  /** Draws the time that a packet takes between two addresses; none if a host has moved away from its own. */
  #wayMs(from: number, to: number): number {
    const [sender, receiver] = [from, to].map((one) => [...this.#hosts.values()].find(({ address }) => address === one))
    if (!sender || !receiver) return 0
    const { minMs, maxMs } = sender.delay ?? { minMs: 0, maxMs: 0 }
    return minMs + Math.random() * (maxMs - minMs) + this.#betweenMs(sender, receiver)
  }

  #betweenMs(one: Host, other: Host): number {
    const siteOf = ({ name }: Host) => this.#sites.groups.findIndex((group) => group.includes(name))
    return siteOf(one) === siteOf(other) ? 0 : this.#sites.ms
  }

  /** Sends what is delayed by way of the supervisor, and all else straight through the switch. */
  async #route(): Promise<void> {
    if (!this.#line) return
    const all = [...this.#hosts.values()]
    for (const from of all) {
      const delayed = all.filter((to) => to !== from && (from.delay !== null || this.#betweenMs(from, to) > 0))
      const routes = delayed.map((to) => `route add ${addressOf(to)} via ${net}.${supervisor} ${ofDelays}`)
      await run('ip', ['-n', from.name, '-batch', '-'], lines(`route flush ${ofDelays}`, ...routes))
    }
  }

  async #filterAll(hosts: Iterable<Host>): Promise<void> {
    await Promise.all([...hosts].map((host) => this.#filter(host)))
  }

  async #filter({ name, cutFrom, isDeaf, loss }: Host): Promise<void> {
    const rules = [
      ...[...cutFrom].map((from) => `ip saddr ${addressOf(this.#host(from))} drop`),
      ...(isDeaf ? ['tcp flags & (syn | ack) == syn drop'] : []),
      ...(loss > 0 ? [`numgen random mod 1000 < ${Math.round(loss * 10)} drop`] : []),
    ]
    await run('ip', ['netns', 'exec', name, 'nft', '-f', '-'], lines('flush ruleset', ...filterLines(rules)))
  }

  /** Writes the file of names in place: it is mounted where the system looks for it. */
  async #writeNames(): Promise<void> {
    const named = this.#isResolving ? [...this.#hosts.values()] : []
    await writeFile(namesFile, lines('127.0.0.1 localhost', ...named.map((host) => `${addressOf(host)} ${host.name}`)))
  }
}

const nearby: Sites = { groups: [], ms: 0 }

/** The mark of routes for packets that are delayed. */
const ofDelays = 'proto 77'

const lines = (...all: readonly string[]) => all.map((line) => `${line}\n`).join('')

/** The switch, with the supervisor at it. */
const openingLines = lines(
  'link set lo up',
  'link add switch type bridge',
  'link set switch up',
  `addr add ${net}.${supervisor}/24 dev switch`,
)

/** Sets the queue by which packets leave through a device. @param of the options of tc(8) for its place */
async function setQueue(of: readonly string[], device: string, before: string | null, after: string | null) {
  if (after === null && before === null) return
  const verb = after === null ? 'del' : 'replace'
  const words = after === null ? [] : after.split(' ')
  await run('tc', [...of, 'qdisc', verb, 'dev', device, 'root', ...words]).catch(explainQueue)
}

/** @throws ConfigError in plain words, where the kernel lacks a kind of queue */
function explainQueue(error: Error): never {
  if (!/qdisc kind is unknown/.test(error.message)) throw error
  throw new ConfigError("this machine's kernel was built without this queue (for netem: the module sch_netem)")
}

/** Loses the packets that come in and match one of the rules. */
function filterLines(rules: readonly string[]): string[] {
  return ['table ip faults {', 'chain incoming {', 'type filter hook input priority 0', ...rules, '}', '}']
}

const addressOf = ({ address }: Host) => `${net}.${address}`

const addressLine = (verb: 'add' | 'del', host: Host) => `addr ${verb} ${addressOf(host)}/24 dev eth0`
