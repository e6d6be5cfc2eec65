/** The way of a client to nodes of etcd: the client's own rules decide, and gRPC carries. */
import { parseAddress } from '../../../src/address.js'
import type { NumberedCommand } from '../../../src/contracts.js'
import type { HeardOfNodes, Wire } from '../../client.js'
import { diallingOf, type EtcdAccess } from './access.js'
import { EtcdApi, EtcdError } from './api.js'
import { perform } from './commands.js'

/** Milliseconds that a connection may take. */
const connectMs = 1_000

/**
 * The connections of a client with nodes of etcd. A write is asked once: if its connection breaks, or etcd does not know
 * what became of it, its outcome is unknown.
 */
class EtcdWire implements Wire {
  readonly #heard: HeardOfNodes
  readonly #access: EtcdAccess
  readonly #nodes = new Map<string, EtcdApi>()

  constructor(heard: HeardOfNodes, access: EtcdAccess) {
    this.#heard = heard
    this.#access = access
    // Files are read at each connection, since they may have been renewed; for the first time now.
    diallingOf('', access)
  }

  connect(address: string): void {
    if (!parseAddress(address)) return this.#heard.disconnected(address, 'not an address')
    let api: EtcdApi
    try {
      api = new EtcdApi(address, this.#access)
    } catch (error) {
      return this.#heard.disconnected(address, (error as Error).message)
    }
    this.#nodes.set(address, api)
    void this.#open(address, api)
  }

  async #open(address: string, api: EtcdApi): Promise<void> {
    try {
      await api.connect(connectMs)
    } catch (error) {
      const { message } = error as Error
      if (this.#nodes.get(address) === api && error instanceof EtcdError) this.#heard.barred(address, message)
      return this.#lose(address, api, message)
    }
    if (this.#nodes.get(address) !== api) return
    this.#heard.connected(address)
    await api.lost()
    this.#lose(address, api, 'the connection broke')
  }

  drop(address: string): void {
    this.#lose(address, this.#nodes.get(address), 'nothing was heard of the node')
  }

  #lose(address: string, api: EtcdApi | undefined, reason: string): void {
    if (!api || this.#nodes.get(address) !== api) return
    this.#nodes.delete(address)
    api.close()
    this.#heard.disconnected(address, reason)
  }

  async send(address: string, { id, ...command }: NumberedCommand): Promise<void> {
    const api = this.#nodes.get(address)
    if (!api) return
    try {
      this.#heard.answered(address, [{ id, answer: await perform(api, command) }])
    } catch (error) {
      if (!(error instanceof EtcdError)) throw error
      this.#lose(address, api, error.message)
    }
  }

  close(): void {
    for (const api of this.#nodes.values()) api.close()
    this.#nodes.clear()
  }
}

/** Connects a client with nodes of etcd. @throws ConfigError if a certificate cannot be used */
export function etcdWire(heard: HeardOfNodes, access: EtcdAccess = {}): Wire {
  return new EtcdWire(heard, access)
}
