import { createServer, type Server } from 'node:net'
import { type Address, formatAddress, parseAddress } from '../../src/address.js'
import type { Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { localAddress, localMember, localMembers } from '../../src/network/local-members.js'

/** Gives the member its usual ports, or free ports if another process listens on the usual ones. */
export async function freeMember(member: Member, host: string, above: readonly number[]): Promise<Member> {
  if (await areFree([member], above)) return member
  return { ...localMember(1, host, await freeBasePort(1, host, above)), id: member.id }
}

/** Clusters whose ports interleave, and the ports that all of them take. */
const [clustersInBlock, blockPorts] = [10, 400]
/** Nodes of a cluster that has a place in a block; a larger one takes a block. */
const nodesInPlace = 9

const below = (limit: number) => Math.floor(Math.random() * limit)

/**
 * Finds a base port whose client and peer ports are all free now, below the range that the operating system hands out.
 * The base port itself stays taken as long as this process lives: another process finds no ports beside it, though
 * nodes have not started yet, or are dead for a while.
 *
 * @param above the distances of further ports from the port for clients, which have to be free as well
 * @throws ConfigError if none was found
 */
export async function freeBasePort(nodes: number, host: string, above: readonly number[] = []): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const place = nodes > nodesInPlace ? 0 : below(clustersInBlock) * (nodesInPlace + 1)
    const base = 10_000 + below(20_000 / blockPorts) * blockPorts + place
    const mark = await listening({ host, port: base })
    if (!mark) continue
    if (await areFree(localMembers(nodes, host, base), above)) return base
    mark.close()
  }
  throw new ConfigError(`no free ports were found on ${formatAddress({ host, port: 0 })}; name some with --base-port`)
}

async function areFree(members: readonly Member[], above: readonly number[]): Promise<boolean> {
  const addresses = members.flatMap((member) => [
    ...[member.client, member.peer],
    ...above.map((distance) => localAddress(member, distance)),
  ])
  return (await Promise.all(addresses.map((address) => isFree(parseAddress(address)!)))).every(Boolean)
}

async function isFree(address: Address): Promise<boolean> {
  const server = await listening(address)
  return new Promise((resolve) => (server ? server.close(() => resolve(true)) : resolve(false)))
}

/** Listens at an address, and keeps no process alive by it; null if the address is taken. */
function listening(address: Address): Promise<Server | null> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy())
    server.once('error', () => resolve(null))
    server.listen(address, () => resolve(server.unref()))
  })
}
