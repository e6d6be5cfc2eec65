import { type Answer, type Command, failure, type NodeId, type Outcome, outcomeOf } from '../../contracts.js'
import type { Operation } from '../linearizability/index.js'
import type { SimulatedCluster } from './cluster.js'

export interface SimulatedClientOptions {
  readonly deadlineMs: number
  readonly maxRedirects: number
  /** One way between a client and a node. */
  readonly delayMs: number
}

const defaultSimulatedClient: SimulatedClientOptions = { deadlineMs: 5_000, maxRedirects: 5, delayMs: 1 }

/** How long a client lets an election go on before it asks again. */
const pauseMs = 50

/** One call under way. */
interface Call {
  readonly command: Command
  readonly pinned: boolean
  redirects: number
  /** Addresses that refused the connection, since the last that did not. */
  refused: number
  /** Why nothing has been done yet. */
  refusal: Answer | null
  settled: boolean
  readonly settle: (outcome: Outcome) => void
}

/**
 * A client of a simulated cluster, with the manners of the real one: it asks the node that it takes for leader,
 * follows redirects a bounded number of times, goes on to the next node when nobody is there, and at its deadline
 * calls the outcome what it is.
 */
export class SimulatedClient {
  readonly name: string
  readonly #cluster: SimulatedCluster
  readonly #options: SimulatedClientOptions
  readonly #underWay = new Set<Call>()
  #leader: NodeId

  constructor(cluster: SimulatedCluster, name: string, options: Partial<SimulatedClientOptions> = {}) {
    this.name = name
    this.#cluster = cluster
    this.#options = { ...defaultSimulatedClient, ...options }
    this.#leader = cluster.hosts[0]!.id
  }

  /** @param at ask this node and no other */
  call(command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void {
    const { timeline } = this.#cluster
    const call: Call = { command, pinned: at !== null, redirects: 0, refused: 0, refusal: null, settled: false, settle }
    this.#underWay.add(call)
    timeline.schedule(this.#options.deadlineMs, () => {
      this.#settle(call, call.refusal ?? failure('timeout', 'no answer in time'))
    })
    this.#send(call, at ?? this.#leader)
  }

  /** Breaks its connections: whatever it was asking may have happened, or may still. */
  hangUp(): void {
    for (const call of [...this.#underWay]) this.#settle(call, failure('connection_lost', 'the client hung up'))
  }

  #send(call: Call, to: NodeId): void {
    this.#cluster.timeline.schedule(this.#options.delayMs, () => {
      if (call.settled) return
      call.refusal = null
      this.#cluster.ask(to, call.command, (answer) => {
        this.#cluster.timeline.schedule(this.#options.delayMs, () => this.#answered(call, to, answer))
      })
    })
  }

  #answered(call: Call, from: NodeId, answer: Answer): void {
    if (call.settled) return
    const code = answer.ok ? null : answer.error.code
    if (code === 'no_leader' && !call.pinned) return this.#askLater(call, from, answer)
    if (call.pinned || (code !== 'not_leader' && code !== 'unreachable')) return this.#settle(call, answer)
    if (code === 'unreachable') return this.#next(call, from, answer)
    const leader = (answer as { error: { leader?: unknown } }).error.leader
    if (typeof leader !== 'string' || ++call.redirects > this.#options.maxRedirects) return this.#settle(call, answer)
    this.#leader = leader
    this.#send(call, leader)
  }

  /** Nobody leads, and nothing was done: after a pause the next node may know more. */
  #askLater(call: Call, from: NodeId, answer: Answer): void {
    call.refusal = answer
    this.#leader = this.#after(from)
    this.#cluster.timeline.schedule(pauseMs, () => call.settled || this.#send(call, this.#leader))
  }

  #after(id: NodeId): NodeId {
    const ids = this.#cluster.hosts.map((host) => host.id)
    return ids[(ids.indexOf(id) + 1) % ids.length]!
  }

  /** Nobody is there: the next node may know more. */
  #next(call: Call, from: NodeId, answer: Answer): void {
    this.#leader = this.#after(from)
    if (++call.refused > this.#cluster.hosts.length) this.#settle(call, answer)
    else this.#send(call, this.#leader)
  }

  #settle(call: Call, answer: Answer): void {
    if (call.settled) return
    call.settled = true
    this.#underWay.delete(call)
    call.settle(outcomeOf(answer))
  }
}

/** An operation, and the node to which it was addressed; null when that was left to the client. */
export type Asked = Operation & { readonly at: NodeId | null }

type Question = Omit<Asked, 'return' | 'outcome'>

/** Writes down what clients ask and are told, for the linearizability checker; moments are virtual milliseconds. */
export class History {
  readonly #operations: Asked[] = []
  readonly #open = new Set<Question>()

  asked(client: string, command: Command, at: NodeId | null, call: number): Question {
    const id = this.#open.size + this.#operations.length
    const operation = { client, id, command: command as Asked['command'], at, call }
    this.#open.add(operation)
    return operation
  }

  answered(asked: Question, outcome: Outcome, moment: number): void {
    if (this.#open.delete(asked)) this.#operations.push({ ...asked, return: moment, ...outcome } as Asked)
  }

  /** Everything asked, those without an answer as unknown. */
  complete(): Asked[] {
    const open = [...this.#open].map((asked) => ({ ...asked, return: null, outcome: 'unknown' as const }) as Asked)
    return [...this.#operations, ...open]
  }
}
