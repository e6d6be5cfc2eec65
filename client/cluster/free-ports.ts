import { createServer } from 'node:net'
import { formatAddress, parseAddress } from '../../src/address.js'
import type { Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { localMember, localMembers, localMetricsAddress } from '../../src/network/local-members.js'

/** Gives the member its usual ports, or free ports if another process listens on the usual ones. */
export async function freeMember(member: Member, host: string): Promise<Member> {
  if (await areFree([member])) return member
  return { ...localMember(1, host, await freeBasePort(1, host)), id: member.id }
}

/**
 * Finds a base port whose client and peer ports are all free now, below the range that the operating system hands out.
 *
 * @param withMetrics whether the ports for metrics have to be free as well
 * @throws ConfigError if none was found
 */
export async function freeBasePort(nodes: number, host: string, withMetrics = false): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 10_000 + Math.floor(Math.random() * 20_000)
    if (await areFree(localMembers(nodes, host, base), withMetrics)) return base
  }
  throw new ConfigError(`no free ports were found on ${formatAddress({ host, port: 0 })}; name some with --base-port`)
}

async function areFree(members: readonly Member[], withMetrics = false): Promise<boolean> {
  const addresses = members.flatMap((member) => [
    ...[member.client, member.peer],
    ...(withMetrics ? [localMetricsAddress(member)] : []),
  ])
  return (await Promise.all(addresses.map((address) => isFree(parseAddress(address)!)))).every(Boolean)
}

function isFree(address: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(address, () => server.close(() => resolve(true)))
  })
}
