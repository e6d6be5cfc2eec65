import type { Server } from 'node:net'
import type { Event } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { Answerer, type AnswererOptions } from '../repl/answerer.js'
import { LiveFeed, liveShown } from './live.js'
import { openInBrowser } from './open.js'
import { type PageServer, servePage } from './server.js'

/** The page of a cluster that runs here: it hears everything from the start, and is served when the cluster is. */
export class LivePage {
  readonly #stage: Stage
  readonly #live: LiveFeed
  #server: PageServer | null = null

  /** @param tickMs milliseconds of one step of the nodes' logical time */
  constructor(stage: Stage, nodes: readonly string[], tickMs: number) {
    this.#stage = stage
    this.#live = new LiveFeed(stage, nodes, tickMs)
  }

  /** Hears a step that a node tells by its own pipe, a call from here, or a fault that was done from here. */
  readonly hear = (event: Event) => this.#live.hear(event)

  /** Hears an event of the supervisor. A node's own events come by its pipe as well, and bear their times. */
  readonly hearSupervisor = (event: Event) => {
    if (event.at === undefined) this.#live.hear(event)
  }

  /** Serves the page. @returns its address, and what answers lines for it: a prompt may use the same */
  async serve(options: AnswererOptions, at: number | Server): Promise<{ address: string; answerer: Answerer }> {
    const answerer = new Answerer({ ...options, hear: this.#live.hear.bind(this.#live) })
    this.#server = await servePage(liveShown(this.#stage, this.#live, answerer, options), at)
    const { address } = this.#server
    openInBrowser(address)
    return { address, answerer }
  }

  async close(): Promise<void> {
    await this.#server?.close()
  }
}
