import { isObject } from '../../src/contracts.js'
import type { Moment } from '../../src/proof/simulation/simulate.js'
import type { StateMachine } from './machine.js'

/** A replica under observation: the machine to be used, and its state as text. */
export interface Replica<C, R, Q, A> {
  readonly machine: StateMachine<C, R, Q, A>
  readonly text: string
}

interface Found {
  readonly what: string
  readonly detail: string
}

/** A client's call under way. */
interface OpenCall {
  readonly isQuery: boolean
  /** The highest index of a command that was done before the call began. */
  readonly floor: number
}

/** Compares the replicas of one run with each other, and the clients' answers with what was done. */
export class Observer<C, R, Q, A> {
  readonly findings: Found[] = []
  /** The snapshots from which a machine was restored. */
  restored = 0
  /** The number of commands that clients ask for before all is mended. */
  planned = 0
  readonly #invariant: ((machine: StateMachine<C, R, Q, A>) => string | undefined) | undefined
  /** The result of each command, by the index of its entry. */
  readonly #results = new Map<number, string>()
  /** The state behind an entry, where a batch of some replica ended there. */
  readonly #states = new Map<number, string>()
  readonly #calls = new Map<string, OpenCall>()
  readonly #done = new Set<number>()
  #asked = 0
  #highest = 0

  constructor(invariant: ((machine: StateMachine<C, R, Q, A>) => string | undefined) | undefined) {
    this.#invariant = invariant
  }

  /** Wraps a machine: each result and each state is compared with those of the other replicas. */
  watch(machine: StateMachine<C, R, Q, A>): Replica<C, R, Q, A> {
    const replica = { text: '', machine: machine }
    const { query } = machine
    const look = async () => {
      replica.text = await this.#careful('snapshot', () => wholeOf(machine))
      this.#check(machine)
    }
    const watched: StateMachine<C, R, Q, A> = {
      apply: async (batch) => {
        const results = await this.#careful('apply', () => machine.apply(batch))
        for (const [at, { index }] of batch.entries())
          this.#compare(this.#results, index, textOf(results[at]), 'result')
        await look()
        const last = batch.at(-1)
        if (last) this.#compare(this.#states, last.index, replica.text, 'state')
        return results
      },
      ...(query && { query: (asked: Q) => query.call(machine, asked) }),
      snapshot: () => this.#careful('snapshot', () => machine.snapshot()),
      restore: async (text) => {
        this.restored++
        await this.#careful('restore', () => machine.restore(text))
        await look()
      },
    }
    void look()
    return Object.assign(replica, { machine: watched })
  }

  /** Hears what happens in the run. */
  hear(moment: Moment): void {
    if (moment.event === 'asked') this.#asks(moment.client, moment.command.command)
    if (moment.event !== 'outcome') return
    const call = this.#calls.get(moment.client)
    this.#calls.delete(moment.client)
    if (!call || moment.outcome !== 'done') return
    const { index } = moment.answer as { index?: number }
    if (index === undefined) return
    if (call.isQuery) {
      const what = `a linearizable read shows the state behind entry ${index}, and entry ${call.floor} was done before it`
      if (index < call.floor) this.#find(what)
      return
    }
    if (this.#done.has(index)) this.#find(`two commands were done by one entry, ${index}`)
    this.#done.add(index)
    this.#highest = Math.max(this.#highest, index)
  }

  #asks(client: string, command: string): void {
    if (command !== 'propose' && command !== 'query') return
    if (command === 'propose') this.#asked++
    this.#calls.set(client, { isQuery: command === 'query', floor: this.#highest })
  }

  #compare(known: Map<number, string>, index: number, text: string, what: string): void {
    const other = known.get(index)
    if (other === undefined) known.set(index, text)
    else if (other !== text) this.#find(`two replicas differ in the ${what} of entry ${index}`, `${other}\n${text}`)
    // When the last command was asked, the simulator asks for more, until one is done.
    if (this.#results.size <= this.#asked || this.#asked === this.planned) return
    this.#find(`${this.#results.size} commands are in the log, and ${this.#asked} were asked for`)
  }

  #check(machine: StateMachine<C, R, Q, A>): void {
    try {
      const reason = this.#invariant?.(machine)
      if (typeof reason === 'string') this.#find(`the invariant does not hold: ${reason}`)
    } catch (error) {
      this.#find(`the invariant does not hold: ${(error as Error).message}`)
    }
  }

  async #careful<T>(name: string, act: () => T | Promise<T>): Promise<T> {
    try {
      return await act()
    } catch (error) {
      this.#find(`${name} has thrown: ${(error as Error).message}`)
      throw error
    }
  }

  /** Notes a finding; one that is already known is not told twice. */
  #find(what: string, detail = ''): void {
    if (!this.findings.some((found) => found.what === what)) this.findings.push({ what, detail })
  }
}

function textOf(result: unknown): string {
  return isObject(result) || Array.isArray(result) ? JSON.stringify(result) : String(result)
}

/** The state of a machine at this moment. */
async function wholeOf<C, R, Q, A>(machine: StateMachine<C, R, Q, A>): Promise<string> {
  const text = await machine.snapshot()
  if (typeof text === 'string') return text
  let whole = ''
  for await (const piece of text) whole += piece
  return whole
}
