import { stripVTControlCharacters } from 'node:util'
import { Lanes } from '../../client/text/lanes.js'
import type { Answer, Command, Message, NodeId } from '../../src/contracts.js'
import { factsOf } from '../../src/trace/watch.js'
import type { AnyMessage, Cores } from '../helpers/cores.js'
import type { Selection } from '../helpers/hand.js'

/** The columns of the time, which stands still here. */
const timeWidth = 10

/**
 * Tells what cores do as lanes, a column for each node: a message when it arrives or is lost, and what nodes report. A
 * script in this way tells a lesson's picture, and the rules themselves draw it.
 */
export class Telling {
  readonly lines: string[] = []
  readonly #cores: Cores
  readonly #nodes: readonly NodeId[]
  readonly #lanes = new Lanes((line) => this.lines.push(stripVTControlCharacters(line).slice(timeWidth).trimEnd()))
  readonly #states = new Map<NodeId, string>()
  #told: number

  /** @param nodes those that have a column */
  constructor(cores: Cores, nodes: readonly NodeId[] = cores.ids) {
    this.#cores = cores
    this.#nodes = nodes
    this.#told = cores.told.length
    this.#lanes.take({ event: 'trace', at: 0, stage: 0, tickMs: 10, nodes })
    this.look()
    // How far the nodes were before belongs to no event of the picture.
    this.lines.splice(1)
  }

  /** Tells what nodes have reported and become since the last look. */
  look(): void {
    for (const event of this.#cores.told.slice(this.#told)) this.#lanes.take({ ...event, at: 0 } as never)
    this.#told = this.#cores.told.length
    for (const node of this.#nodes) {
      const state = { event: 'state', node, at: 0, ...factsOf(this.#cores.status(node)) }
      if (this.#states.get(node) === JSON.stringify(state)) continue
      this.#states.set(node, JSON.stringify(state))
      this.#lanes.take(state)
    }
  }

  /** These messages arrive, one after another. */
  arrive(selection: Selection = {}): void {
    for (const message of this.#cores.take(selection)) this.#arrives(message)
  }

  /** These messages are lost. */
  lose(selection: Selection = {}): void {
    for (const message of this.#cores.take(selection)) {
      this.#lanes.take({ event: 'send', at: 0, message: message as Message })
      this.#lanes.take({ event: 'lost', at: 0, message: message as Message })
    }
  }

  /** Messages arrive until nothing is left to say; between others than these they are left out of the picture. */
  run(among: readonly NodeId[] = this.#nodes): void {
    while (this.#cores.air.length > 0) {
      const [message] = this.#cores.air.splice(0, 1) as [AnyMessage]
      if (among.includes(message.from) && among.includes(message.to)) this.#arrives(message)
    }
  }

  /** A client, or an operator, asks a node, in their words. @returns the request's number */
  asks(client: string, to: NodeId, words: string, command: Command, envelope?: Selection): number {
    this.#lanes.take({ event: 'asked', at: 0, node: to, client, to, command: { words } })
    const request = this.#cores.request(to, command, envelope)
    this.look()
    return request
  }

  /** The client hears an answer. */
  hears(client: string, answer: Answer | null | undefined): void {
    const outcome = answer?.ok ? { outcome: 'done', answer } : { outcome: 'unknown', error: { ...answer?.error } }
    this.#lanes.take({ event: 'outcome', at: 0, client, ...outcome })
  }

  end(): readonly string[] {
    this.#lanes.end()
    return this.lines
  }

  #arrives(message: AnyMessage): void {
    this.#lanes.take({ event: 'send', at: 0, message: message as Message })
    this.#cores.receive(message)
    this.look()
  }
}
