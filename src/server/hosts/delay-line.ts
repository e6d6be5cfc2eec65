import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import type { Socket as Stream } from 'node:net'
import { createInterface } from 'node:readline'
import { ConfigError } from '../../errors.js'
import { guard } from '../guardian.js'
import { obstacleToDelays, run } from './tools.js'

/** Milliseconds for which a packet is held, by the last numbers of the addresses that it goes from and to. */
export type WayMs = (from: number, to: number) => number

/** A packet of IPv4 that waits for its moment. */
interface Held {
  readonly packet: Buffer
  /** The moment to let it go, in milliseconds of `performance.now()`. */
  readonly at: number
}

/** The device of the line. A packet that is routed to it comes to this process, and one sent from here comes out of it. */
const device = 'delays'
/** Ports of the loopback, of which only this process and its children see anything. */
const [herePort, socatPort] = [7_701, 7_702]
const loopback = '127.0.0.1'
/** The routing table for what the switch hands to the supervisor that is not for it. */
const table = '77'
/** Places of the last numbers of the addresses in a packet (RFC 791). */
const [fromAt, toAt] = [15, 19]
/** Bytes that the line holds at most, as packets that are under way on a long line: what comes beyond that is lost. */
const mostBytes = 64 * 1024 * 1024
/** Bytes that the kernel keeps for either end, if it lets so much be kept. */
const socketBytes = 4 * 1024 * 1024
const longestQueue = 10_000

/**
 * A line that delays packets between hosts. Hosts send what is to be delayed by way of the supervisor, where the kernel
 * routes it to a device of the kind TUN. `socat` carries it from there to this process and, when its time has come, back,
 * and the kernel forwards it with the addresses that it had.
 *
 * The kernel's own `netem` delays all that leaves by one interface, so that sites would need a tree of queues on each
 * host, and many kernels are built without it; this line knows both ends of each packet, and works wherever TUN does.
 */
export class DelayLine {
  readonly #socket: Socket
  readonly #wayMs: WayMs
  /** Sorted by moment; of the same moment, as they came. */
  readonly #held: Held[] = []
  #bytes = 0
  #timer: NodeJS.Timeout | null = null

  /** Opens the line. It ends with this process. @throws ConfigError if a program or the system refuses */
  static async open(wayMs: WayMs): Promise<DelayLine> {
    const obstacle = obstacleToDelays()
    if (obstacle !== null) throw new ConfigError(obstacle)
    const socket = createSocket('udp4')
    socket.unref().bind(herePort, loopback)
    await once(socket, 'listening')
    socket.setRecvBufferSize(socketBytes)
    socket.setSendBufferSize(socketBytes)
    socket.connect(socatPort, loopback)
    await once(socket, 'connect')
    try {
      await startSocat()
      for (const [setting, value] of settings) await writeFile(`/proc/sys/net/ipv4/${setting}`, value)
      await run('ip', ['-batch', '-'], routing)
      return new DelayLine(socket, wayMs)
    } catch (error) {
      socket.close()
      throw error instanceof ConfigError ? error : new ConfigError(`packets cannot be delayed here: ${error}`)
    }
  }

  private constructor(socket: Socket, wayMs: WayMs) {
    this.#socket = socket
    this.#wayMs = wayMs
    socket.on('message', (packet) => this.#hold(packet))
    // The end of socat is told here, too: from then on packets are lost.
    socket.on('error', () => {})
  }

  #hold(packet: Buffer): void {
    const isOfHosts = packet.length > toAt && packet[0]! >> 4 === 4
    if (!isOfHosts || this.#bytes + packet.length > mostBytes) return
    const at = performance.now() + this.#wayMs(packet[fromAt]!, packet[toAt]!)
    const place = placeFor(at, this.#held)
    this.#held.splice(place, 0, { packet, at })
    this.#bytes += packet.length
    if (place === 0) this.#wait()
  }

  #wait(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    const [next] = this.#held
    if (next) this.#timer = setTimeout(() => this.#release(), Math.ceil(next.at - performance.now())).unref()
  }

  /** Lets go what is due: nothing before its moment, as a timer of the system may be early by a part of a millisecond. */
  #release(): void {
    const due = this.#held.splice(0, placeFor(performance.now(), this.#held))
    for (const { packet } of due) {
      this.#bytes -= packet.length
      this.#socket.send(packet)
    }
    this.#wait()
  }
}

/** Finds the place for a moment behind all that are not later. */
function placeFor(at: number, held: readonly Held[]): number {
  let [low, high] = [0, held.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (held[middle]!.at > at) high = middle
    else low = middle + 1
  }
  return low
}

/** Packets go on to other hosts, and may come out of the line though their sender is at the switch. */
const settings = [
  ['ip_forward', '1'],
  ['conf/all/rp_filter', '0'],
  ['conf/default/rp_filter', '0'],
] as const

const routing = [
  `link set ${device} txqueuelen ${longestQueue}`,
  `rule add iif switch lookup ${table}`,
  `route add default dev ${device} table ${table}`,
  '',
].join('\n')

/** Starts socat, and waits until it carries packets. @throws ConfigError with what it said, if it does not */
async function startSocat(): Promise<void> {
  const tun = `TUN,tun-name=${device},iff-no-pi,iff-up`
  const socket = `UDP4:${loopback}:${herePort},sourceport=${socatPort},rcvbuf=${socketBytes},sndbuf=${socketBytes}`
  // In a group of its own: Ctrl-C at a prompt ends a wait, and not the line.
  const socat = spawn('socat', ['-d', '-d', tun, socket], { stdio: ['ignore', 'ignore', 'pipe'], detached: true })
  const said: string[] = []
  await new Promise<void>((carries, fails) => {
    socat.once('close', () => fails(new ConfigError(`no device of the kind TUN can be made here: ${said.join('; ')}`)))
    createInterface(socat.stderr).on('line', (line) => {
      if (line.includes(' E ')) said.push(line)
      if (line.includes('starting data transfer loop')) carries()
    })
  })
  endWithThisProcess(socat)
}

/** Lets a child keep this process from ending no longer, and ends the child with it, however it ends. */
function endWithThisProcess(child: ChildProcess): void {
  const guardian = guard(child.pid!, 'KILL')
  for (const one of [child, guardian]) one.unref()
  for (const stream of [child.stderr, guardian.stdin]) (stream as Stream).unref()
}
