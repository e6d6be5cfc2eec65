import type { Socket } from 'node:net'
import type { Clock, Random } from '../contracts.js'

/** The times of a node's links, in milliseconds. All of them are fractions of the election time-out. */
export interface LinkTiming {
  /** Time between two probes on a connection. */
  readonly probeMs: number
  /** Time that an attempt to connect may take. Its packets may be lost, and the system would wait for minutes. */
  readonly connectMs: number
  /** Time that a peer may take to welcome this node over gRPC, once it takes connections. */
  readonly welcomeMs: number
  /** Pauses between attempts: the first, and the longest. Both are shorter than `connectMs`. */
  readonly pause: { readonly firstMs: number; readonly capMs: number }
}

/**
 * Computes the times of links. A dead connection is noticed and replaced before an election time-out is over, so that a
 * follower need not lose its leader with it. The upper bounds are for clusters whose elections are slow on purpose.
 *
 * @param electionMs the election time-out, at least, in milliseconds
 */
export function linkTiming(electionMs: number): LinkTiming {
  return {
    probeMs: Math.max(electionMs / 5, 1),
    connectMs: Math.min(electionMs / 2, 1_000),
    welcomeMs: Math.min(electionMs * 2, 4_000),
    pause: { firstMs: Math.min(electionMs / 50, 20), capMs: Math.min(electionMs * 0.4, 500) },
  }
}

/**
 * Intervals without a byte after which a connection is dead. They are counted, not timed: a node that was stopped itself
 * heard nothing either.
 */
export const patience = 3

/**
 * Intervals for which the end that was called bears the same. It loses nothing by waiting: a caller that still runs
 * connects anew, and a caller that was stopped goes on with this connection when it is woken.
 */
const patienceOfCalled = 100

/**
 * Watches one connection. The end that made the connection sends something in every interval, a probe if there is
 * nothing else; the other end sends a probe in every interval in which it has read something, be it a part of a long
 * message. The caller closes a connection on which it has read nothing for {@link patience} intervals, and the other end
 * one on which it has read nothing for many more: no packet may ever say that the other end is gone.
 */
export class Pulse {
  readonly #socket: Socket
  readonly #probe: Buffer
  readonly #isCaller: boolean
  #bytesRead: number
  #bytesWritten: number
  #missed = 0
  #cancel = () => {}

  /** @param isCaller true at the end that made the connection */
  constructor(socket: Socket, clock: Clock, probe: Buffer, probeMs: number, isCaller: boolean) {
    this.#socket = socket
    this.#probe = probe
    this.#isCaller = isCaller
    this.#bytesRead = socket.bytesRead
    this.#bytesWritten = socket.bytesWritten
    const next = () => {
      this.#cancel = clock.after(probeMs, () => {
        if (this.#beat()) next()
      })
    }
    next()
    socket.once('close', () => this.stop())
  }

  /** @returns whether the connection lives */
  #beat(): boolean {
    const socket = this.#socket
    const isHeard = socket.bytesRead !== this.#bytesRead
    this.#missed = isHeard ? 0 : this.#missed + 1
    if (this.#missed === (this.#isCaller ? patience : patienceOfCalled)) {
      socket.destroy()
      return false
    }
    if (this.#isCaller ? socket.bytesWritten === this.#bytesWritten : isHeard) socket.write(this.#probe)
    this.#bytesRead = socket.bytesRead
    this.#bytesWritten = socket.bytesWritten
    return true
  }

  stop(): void {
    this.#cancel()
  }
}

/** Decides when a link that is down is opened again. */
export class Redial {
  readonly #timing: LinkTiming
  readonly #world: { readonly clock: Clock; readonly random: Random }
  readonly #open: () => void
  #openedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #cancel = () => {}

  /** @param open begins an attempt, and gives up the one under way if there is any */
  constructor(timing: LinkTiming, world: { readonly clock: Clock; readonly random: Random }, open: () => void) {
    this.#timing = timing
    this.#world = world
    this.#open = open
  }

  /** Opens the link now. */
  now(): void {
    this.#cancel()
    this.#openedAt = this.#world.clock.now()
    this.#open()
  }

  /**
   * Opens the link after a pause that doubles up to a cap, with jitter, so that five nodes do not knock in step. An
   * attempt or a connection that lasted as long as the longest pause counts as no failure.
   */
  later(): void {
    const { firstMs, capMs } = this.#timing.pause
    if (this.#world.clock.now() - this.#openedAt >= capMs) this.#failures = 0
    const pause = Math.min(firstMs * 2 ** this.#failures++, capMs)
    this.#cancel()
    this.#cancel = this.#world.clock.after(pause * (0.5 + this.#world.random.next() / 2), () => this.now())
  }

  /** Notes that the peer has been heard: the link is opened now, unless an attempt began just before. */
  heard(): void {
    if (this.#world.clock.now() - this.#openedAt >= this.#timing.pause.firstMs) this.now()
  }

  stop(): void {
    this.#cancel()
  }
}
