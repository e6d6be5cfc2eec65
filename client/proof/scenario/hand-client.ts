import { ClientShell } from '../../../src/client-shell.js'
import type { Answer, Command, Outcome } from '../../../src/contracts.js'
import type { Stage } from '../../../src/stage.js'

/** The answer that a person saw: an answer, a refused connection, or nothing at all. */
export type Seen = Answer | 'refused' | 'nothing'
/** Lets a person ask a node, at its address. */
export type Ask = (command: Command, address: string) => Promise<Seen>

/** Milliseconds of a client's time that a question by hand takes: as long as `nc` waits. */
const questionMs = 1_000
/** The id of the person's call: the first of a fresh client. */
const personsId = 1

/**
 * A client whose sockets are a person with `nc`: the rules of the stage's client choose the node to ask, and judge what
 * came back. Time passes by the questions, not by the person's typing.
 */
export class HandClient {
  readonly #stage: Stage
  readonly #ask: Ask
  #addresses: readonly string[]

  constructor(stage: Stage, addresses: readonly string[], ask: Ask) {
    this.#stage = stage
    this.#addresses = addresses
    this.#ask = ask
  }

  /**
   * Makes one call. Every question of `nc` is a connection of its own, so each call begins without any. @param at the
   * only address to ask
   */
  async call(command: Command, at: string | undefined): Promise<Outcome> {
    const call = new HandCall(this.#stage, this.#addresses, command, this.#ask)
    const outcome = await call.outcome(at)
    const first = call.preferred
    this.#addresses = [first, ...this.#addresses.filter((address) => address !== first)]
    return outcome
  }
}

/** One call, with a client made for it. */
class HandCall {
  readonly #command: Command
  readonly #ask: Ask
  readonly #shell: ClientShell
  readonly #todo: (() => Promise<void>)[] = []
  /**
   * Answers that came over each connection before the rules sent a request: a connection by `nc` carries the question
   * already.
   */
  readonly #seen = new Map<string, Seen>()
  #timer: { readonly at: number; readonly task: () => void } | null = null
  #now = 0

  constructor(stage: Stage, addresses: readonly string[], command: Command, ask: Ask) {
    this.#command = command
    this.#ask = ask
    // A person asks one node after another, and none beside another that is silent; a session is opened by a line.
    const options = { addresses, attemptMs: Number.POSITIVE_INFINITY, session: false }
    this.#shell = new ClientShell(stage, options, {
      clock: { now: () => this.#now, after: (ms, task) => this.#after(ms, task) },
      connect: (address) => void this.#todo.push(() => this.#connect(address)),
      drop: (address) => this.#shell.disconnected(address, 'given up'),
      send: (address, { id }) => void this.#todo.push(() => this.#send(address, id)),
    })
  }

  get preferred(): string {
    return this.#shell.preferred
  }

  async outcome(at: string | undefined): Promise<Outcome> {
    const ended: Outcome[] = []
    this.#shell.call(this.#command, { at }, (outcome) => ended.push(outcome))
    while (ended.length === 0) {
      const next = this.#todo.shift()
      if (next) await next()
      this.#pass(next ? this.#now : this.#timer!.at)
    }
    return ended[0]!
  }

  async #connect(address: string): Promise<void> {
    const seen = await this.#ask(this.#command, address)
    if (seen === 'refused') {
      this.#shell.disconnected(address, seen)
    } else {
      this.#seen.set(address, seen)
      this.#shell.connected(address)
    }
    this.#now += questionMs
  }

  /** The rules' own greetings are not put to a person: a connection that `nc` could make is taken for an answer. */
  async #send(address: string, id: number): Promise<void> {
    if (id !== personsId) return this.#shell.answered(address, [{ id, answer: { ok: true } }])
    const known = this.#seen.get(address)
    const seen = known ?? (await this.#ask(this.#command, address))
    this.#seen.delete(address)
    if (seen === 'refused') this.#shell.disconnected(address, seen)
    else if (seen !== 'nothing') this.#shell.answered(address, [{ id, answer: seen }])
    if (known === undefined) this.#now += questionMs
  }

  #after(ms: number, task: () => void): () => void {
    this.#timer = { at: this.#now + ms, task }
    return () => {
      this.#timer = null
    }
  }

  /** Moves the time forward to a moment, and runs the timer that is due then. */
  #pass(moment: number): void {
    this.#now = Math.max(this.#now, moment)
    const timer = this.#timer
    if (!timer || timer.at > this.#now) return
    this.#timer = null
    timer.task()
  }
}
