import { createServer } from 'node:net'
import { formatAddress, parseAddress } from '../../src/address.js'
import type { Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import { localMember, localMembers } from '../../src/network/local-members.js'

/** The member where it is meant to listen, or elsewhere if somebody else has come to listen there. */
export async function freeMember(member: Member, host: string): Promise<Member> {
  if (await areFree([member])) return member
  return { ...localMember(1, host, await freeBasePort(1, host)), id: member.id }
}

/** A base port whose client and peer ports are all free at the moment, below the range that the system hands out. */
export async function freeBasePort(nodes: number, host: string): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const base = 10_000 + Math.floor(Math.random() * 20_000)
    if (await areFree(localMembers(nodes, host, base))) return base
  }
  throw new ConfigError(`no free ports were found on ${formatAddress({ host, port: 0 })}; name some with --base-port`)
}

async function areFree(members: readonly Member[]): Promise<boolean> {
  const addresses = members.flatMap(({ client, peer }) => [client, peer])
  return (await Promise.all(addresses.map((address) => isFree(parseAddress(address)!)))).every(Boolean)
}

function isFree(address: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(address, () => server.close(() => resolve(true)))
  })
}
