import {
  type Answer,
  type CallOptions,
  type ClientRules,
  type ClientState,
  type Clock,
  type Command,
  failure,
  type NumberedCommand,
  type Outcome,
  outcomeOf,
  type SomeClientOptions,
} from './contracts.js'

/** The world of a client: a clock and connections. */
export interface ClientDoors {
  readonly clock: Pick<Clock, 'now' | 'after'>
  /** Begins a connection. The shell hears of it by `connected` or `disconnected`. */
  connect(address: string): void
  /** Ends a connection that stands, or is being made. The shell hears of it by `disconnected`. */
  drop(address: string): void
  /** Sends over a connection that stands. */
  send(address: string, message: NumberedCommand): void
}

/** The facts of a stage that a client must know: its client's rules, and which commands read. */
interface ClientStage {
  readonly number: number
  readonly client: ClientRules | null
  readonly commands: Readonly<Record<string, { readonly readOnly: boolean }>>
  readonly application: { readonly commands: Readonly<Record<string, unknown>> }
}

/** An answer as it came, with the `id` that stood in it. */
export interface NumberedAnswer {
  readonly id: unknown
  readonly answer: Answer
}

/**
 * A client runs the rules of a stage's table over a world. The world is sockets and real time, a simulated cluster and
 * virtual time, or a person's hands. The shell decides nothing.
 */
export class ClientShell {
  readonly #rules: ClientRules
  readonly #stage: ClientStage
  readonly #doors: ClientDoors
  readonly #state: ClientState
  readonly #waiting = new Map<number, (outcome: Outcome) => void>()
  #cancelTimer = () => {}
  #timerMoment = Number.POSITIVE_INFINITY
  #isClosed = false

  /** @throws Error if the stage has no client */
  constructor(stage: ClientStage, options: SomeClientOptions, doors: ClientDoors) {
    if (!stage.client) throw new Error(`stage ${stage.number} has no client`)
    this.#rules = stage.client
    this.#stage = stage
    this.#doors = doors
    this.#state = this.#rules.state(options)
  }

  get isClosed(): boolean {
    return this.#isClosed
  }

  /** The address at which the next call is asked. */
  get preferred(): string {
    return this.#state.preferred
  }

  /** Makes a call; `settle` hears its outcome, once. */
  call(
    command: Command,
    options: Omit<CallOptions, 'readOnly' | 'ofApplication'>,
    settle: (outcome: Outcome) => void,
  ): void {
    if (this.#isClosed) return settle(outcomeOf(failure('shutting_down', 'this client is closed')))
    const { command: name } = command
    const { commands } = this.#stage
    const readOnly = Object.hasOwn(commands, name) && commands[name]!.readOnly
    const ofApplication = Object.hasOwn(this.#stage.application.commands, name)
    this.#rules.elapsed(this.#state, this.#doors.clock.now())
    const id = this.#rules.call(this.#state, command, { readOnly, ofApplication, ...options })
    this.#waiting.set(id, settle)
    this.#carryOut()
  }

  connected(address: string): void {
    this.#input(() => this.#rules.connected(this.#state, address))
  }

  disconnected(address: string, reason: string): void {
    this.#input(() => this.#rules.disconnected(this.#state, address, reason))
  }

  /** Answers that came together. */
  answered(address: string, answers: readonly NumberedAnswer[]): void {
    this.#input(() => {
      for (const { id, answer } of answers) this.#rules.answered(this.#state, address, id, answer)
    })
  }

  /** Ends all calls under way, as the rules judge them. Nothing is heard or done any more. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#cancelTimer()
    this.#rules.closed(this.#state)
    for (const { id, outcome } of this.#rules.take(this.#state).settle) this.#settle(id, outcome)
  }

  #input(step: () => void): void {
    if (this.#isClosed) return
    this.#rules.elapsed(this.#state, this.#doors.clock.now())
    step()
    this.#carryOut()
  }

  /** Does what the rules have decided. */
  #carryOut(): void {
    const { drop, connect, send, settle } = this.#rules.take(this.#state)
    for (const address of drop) this.#doors.drop(address)
    for (const address of connect) this.#doors.connect(address)
    for (const { address, message } of send) this.#doors.send(address, message)
    for (const { id, outcome } of settle) this.#settle(id, outcome)
    if (this.#state.wakeAt < this.#timerMoment) this.#armTimer()
  }

  /** A question of the rules' own has nobody who waits for its answer. */
  #settle(id: number, outcome: Outcome): void {
    const settle = this.#waiting.get(id)
    this.#waiting.delete(id)
    settle?.(outcome)
  }

  #armTimer(): void {
    if (this.#isClosed) return
    const { clock } = this.#doors
    this.#cancelTimer()
    this.#timerMoment = this.#state.wakeAt
    this.#cancelTimer = clock.after(Math.max(0, this.#timerMoment - clock.now()), () => {
      this.#timerMoment = Number.POSITIVE_INFINITY
      this.#input(() => {})
    })
  }
}
