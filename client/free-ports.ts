import { createServer } from 'node:net'
import { ConfigError, localMembers } from '../src/config.js'
import { formatAddress, parseAddress } from '../src/network/address.js'

/** A base port whose client and peer ports are all free at the moment, below the range that the system hands out. */
export async function freeBasePort(nodes: number, host: string): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 10_000 + Math.floor(Math.random() * 20_000)
    const ports = localMembers(nodes, host, base).flatMap(({ client, peer }) => [client, peer])
    const free = await Promise.all(ports.map((address) => isFree(parseAddress(address)!)))
    if (free.every(Boolean)) return base
  }
  throw new ConfigError(`no free ports were found on ${formatAddress({ host, port: 0 })}; name some with --base-port`)
}

function isFree(address: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(address, () => server.close(() => resolve(true)))
  })
}
