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

/** Distances of a node's further ports from its port for clients: base+201 … for gRPC, base+301 … for metrics. */
export const appPortsAbove = 200
export const metricsPortsAbove = 300

/** Gives the address of a further port of a node of a local cluster. @param above its distance from the port for clients */
export function localAddress({ client }: Member, above: number): string {
  const { host, port } = parseAddress(client)!
  return formatAddress({ host, port: port + above })
}

export function localMember(number: number, host: string, basePort: number): Member {
  return {
    id: `n${number}`,
    client: formatAddress({ host, port: basePort + number }),
    peer: formatAddress({ host, port: basePort + 100 + number }),
  }
}
