/** The way of a client to nodes of etcd: the client's own rules decide, and gRPC carries. */
import { parseAddress } from '../../../src/address.js'
import type { HeardOfNodes, Wire } from '../../client.js'
import { diallingOf, type EtcdAccess } from './access.js'
import { EtcdApi, EtcdError } from './api.js'
import { perform } from './commands.js'

/** Milliseconds that a connection may take. */
const connectMs = 1_000

/** Makes a connection; or gives the reason why a certificate cannot be used now. */
function apiOf(address: string, access: EtcdAccess): EtcdApi | string {
  try {
    return new EtcdApi(address, access)
  } catch (error) {
    return (error as Error).message
  }
}

/**
 * Connects a client with nodes of etcd. A write is asked once: if its connection breaks, or etcd does not know what
 * became of it, its outcome is unknown.
 *
 * @throws ConfigError if a certificate cannot be used
 */
export function etcdWire(heard: HeardOfNodes, access: EtcdAccess = {}): Wire {
  // Files are read at each connection, since they may have been renewed; for the first time now.
  diallingOf('', access)
  const nodes = new Map<string, EtcdApi>()
  const lose = (address: string, api: EtcdApi | undefined, reason: string) => {
    if (!api || nodes.get(address) !== api) return
    nodes.delete(address)
    api.close()
    heard.disconnected(address, reason)
  }
  const open = async (address: string, api: EtcdApi) => {
    try {
      await api.connect(connectMs)
    } catch (error) {
      const { message } = error as Error
      if (nodes.get(address) === api && error instanceof EtcdError) heard.barred(address, message)
      return lose(address, api, message)
    }
    if (nodes.get(address) !== api) return
    heard.connected(address)
    await api.lost()
    lose(address, api, 'the connection broke')
  }
  return {
    connect(address) {
      if (!parseAddress(address)) return heard.disconnected(address, 'not an address')
      const api = apiOf(address, access)
      if (typeof api === 'string') return heard.disconnected(address, api)
      nodes.set(address, api)
      void open(address, api)
    },
    drop: (address) => lose(address, nodes.get(address), 'nothing was heard of the node'),
    async send(address, { id, ...command }) {
      const api = nodes.get(address)
      if (!api) return
      try {
        heard.answered(address, [{ id, answer: await perform(api, command) }])
      } catch (error) {
        if (!(error instanceof EtcdError)) throw error
        lose(address, api, error.message)
      }
    },
    close() {
      for (const api of nodes.values()) api.close()
      nodes.clear()
    },
  }
}
