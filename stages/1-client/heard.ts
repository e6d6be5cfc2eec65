import type { Client, Link } from './client.js'

/**
 * Checks whether an address has left a first packet or a greeting without an answer for `attemptMs`. Nobody knows
 * whether a node is there, and no call should wait for it.
 */
export function isSilent({ options, now }: Client, link: Link | undefined): boolean {
  return link?.since !== undefined && now >= link.since + options.attemptMs
}

/** Checks whether the node at the other end of a connection has spoken within the last `attemptMs`. */
export function isHeard({ options, now }: Client, link: Link | undefined): boolean {
  return link?.state === 'open' && now < link.heardAt! + options.attemptMs
}

/**
 * Checks whether no node at an address can be asked at present: no connection could be made a moment ago, or nobody
 * answers. Later the address is worth another attempt: the node may be back.
 */
export function isLeftAlone(client: Client, address: string): boolean {
  const link = client.links.get(address)
  return isSilent(client, link) || (link?.state === 'waiting' && link.retryAt > client.now)
}
