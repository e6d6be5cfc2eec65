import type { NodeId } from '../contracts.js'
import type { Delay, Direction } from '../network/faults.js'
import { touches } from './child.js'
import type { Hosts } from './hosts/hosts.js'
import type { Errand } from './process.js'

/** The links between the nodes of a cluster, which can be broken on purpose. */
export interface LinkFaults {
  /** Loses whatever is sent over these links from now on. */
  cut(links: readonly Direction[]): Promise<void>
  /** Mends every link. */
  heal(): Promise<void>
  /** Delays whatever is sent between nodes; null ends the delay. */
  delay(delay: Delay): Promise<void>
  /** Makes the present faults hold for a node that was away. */
  tell(id: NodeId): Promise<void>
  /** Forgets the faults of a node that is gone for good. */
  forget(id: NodeId): Promise<void>
}

/** Loses and delays messages inside the nodes, by orders to them: their connections stand. */
export class MessageFaults implements LinkFaults {
  readonly #ids: () => readonly NodeId[]
  readonly #order: (id: NodeId, errand: Errand) => Promise<unknown>
  /** Links that are cut now; a restarted node is told of them again. */
  readonly #cuts = new Set<Direction>()
  #delay: Delay = null

  constructor(ids: () => readonly NodeId[], order: (id: NodeId, errand: Errand) => Promise<unknown>) {
    this.#ids = ids
    this.#order = order
  }

  async cut(links: readonly Direction[]): Promise<void> {
    for (const cut of links) {
      this.#cuts.add(cut)
      await Promise.all(cut.split('>').map((id) => this.#order(id, { cut })))
    }
  }

  async heal(): Promise<void> {
    this.#cuts.clear()
    await this.#orderAll({ heal: true })
  }

  async delay(delay: Delay): Promise<void> {
    this.#delay = delay
    await this.#orderAll({ delay })
  }

  async tell(id: NodeId): Promise<void> {
    await this.#order(id, { heal: true })
    for (const cut of this.#cuts) await this.#order(id, { cut })
    await this.#order(id, { delay: this.#delay })
  }

  async forget(id: NodeId): Promise<void> {
    for (const link of this.#cuts) if (touches(link, id)) this.#cuts.delete(link)
  }

  async #orderAll(errand: Errand): Promise<void> {
    await Promise.all(this.#ids().map((id) => this.#order(id, errand)))
  }
}

/** Loses packets on their way between hosts, and delays messages inside the nodes. */
export class PacketFaults implements LinkFaults {
  readonly #hosts: Hosts
  readonly #messages: LinkFaults

  constructor(hosts: Hosts, messages: LinkFaults) {
    this.#hosts = hosts
    this.#messages = messages
  }

  cut(links: readonly Direction[]): Promise<void> {
    return this.#hosts.cut(links)
  }

  async heal(): Promise<void> {
    await this.#hosts.heal()
    await this.#messages.heal()
  }

  delay(delay: Delay): Promise<void> {
    return this.#messages.delay(delay)
  }

  tell(id: NodeId): Promise<void> {
    return this.#messages.tell(id)
  }

  /** Forgets the faults of a node, and removes its host. */
  forget(id: NodeId): Promise<void> {
    return this.#hosts.remove(id)
  }
}
