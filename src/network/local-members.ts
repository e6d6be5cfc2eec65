import { formatAddress, parseAddress } from '../address.js'
import type { Member } from '../contracts.js'

/** Ports of a local cluster: clients at base+1 … base+n, peers at base+101 … base+100+n. */
export function localMembers(count: number, host: string, basePort: number): Member[] {
  return Array.from({ length: count }, (_, at) => localMember(at + 1, host, basePort))
}

/** Members that have a host each, which is called as the node is. Ports are those of a local cluster. */
export function hostedMembers(count: number, basePort: number): Member[] {
  return Array.from({ length: count }, (_, at) => localMember(at + 1, `n${at + 1}`, basePort))
}

/** Gives the address for metrics of a node of a local cluster: base+301 … base+300+n. */
export function localMetricsAddress({ client }: Member): string {
  const { host, port } = parseAddress(client)!
  return formatAddress({ host, port: port + 300 })
}

export function localMember(number: number, host: string, basePort: number): Member {
  return {
    id: `n${number}`,
    client: formatAddress({ host, port: basePort + number }),
    peer: formatAddress({ host, port: basePort + 100 + number }),
  }
}
