import { type Answer, type CallOptions, type Command, isObject } from '../../src/contracts.js'
import { call, connectTo, dispatch, enqueue } from '../1-client/call.js'
import type { Call } from '../1-client/client.js'
import type { SessionClient } from './session-client.js'

/** The weight of the newest measurement in an average. */
const newest = 0.2

/** One read in so many goes to another node than the nearest, to see whether that is still the nearest. */
const exploring = 16

/**
 * Reads go to the leader, or to all members one after the other, or to the member that answers soonest: any node can
 * answer them, also a learner, once it has caught up.
 */
export function spreadRead(client: SessionClient, command: Command, options: CallOptions): number {
  const id = askAnywhere(client, command, options)
  client.reads.add(id)
  return id
}

function askAnywhere(client: SessionClient, command: Command, options: CallOptions): number {
  if (client.options.reads === 'leader' || options.at !== undefined) return call(client, command, options)
  for (const address of readable(client)) if (!client.links.has(address)) connectTo(client, address)
  const one = enqueue(client, command, options)
  one.address = client.pages.get(String(command.page)) ?? addressForRead(client)
  dispatch(client, one)
  return one.id
}

function readable({ addresses, readers }: SessionClient): string[] {
  return [...addresses, ...readers.filter((reader) => !addresses.includes(reader))]
}

function addressForRead(client: SessionClient): string {
  const { links, delays, options, preferred } = client
  const open = readable(client).filter((address) => links.get(address)?.state === 'open')
  if (open.length === 0) return preferred
  const inTurn = open[++client.readsSoFar % open.length]!
  if (options.reads === 'any' || client.readsSoFar % exploring === 0) return inTurn
  const delayOf = (address: string) => delays.get(address) ?? Number.POSITIVE_INFINITY
  return open.reduce((nearest, address) => (delayOf(address) < delayOf(nearest) ? address : nearest))
}

/** Page tokens that a client remembers: more scans than this are not under way at once. */
const pagesAtOnce = 64

/** Notes which node gave a page: the pages of one moment are all at one node. */
export function notePage({ pages }: SessionClient, address: string, { page }: Answer & { ok: true }): void {
  if (typeof page !== 'string') return
  pages.set(page, address)
  for (const oldest of pages.keys()) if (pages.size > pagesAtOnce) pages.delete(oldest)
}

/** Learns from an answer how far away a node is. */
export function noteDelay(client: SessionClient, { id }: Call, address: string): void {
  const sentAt = client.sentAt.get(id)
  if (sentAt === undefined) return
  const took = client.now - sentAt
  const known = client.delays.get(address)
  client.delays.set(address, known === undefined ? took : known + newest * (took - known))
}

/**
 * A client learns from the list of members who leads: otherwise its reads would go through a follower for ever. It learns
 * which learners can answer reads as well.
 */
export function learnReaders(client: SessionClient, { members, leader }: Answer & { ok: true }): void {
  if (!Array.isArray(members)) return
  const staying = members.filter((member) => isObject(member) && member.stays === true)
  client.readers = staying.map((member) => member.client).filter((address) => typeof address === 'string')
  const named: unknown = members.find((member) => isObject(member) && member.id === leader)
  if (isObject(named) && typeof named.client === 'string') client.preferred = named.client
}
