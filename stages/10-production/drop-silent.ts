import type { SomeClientOptions } from '../../src/contracts.js'
import { type Call, wake } from '../1-client/client.js'
import { learnMembers } from '../8-membership/learn-members.js'
import { inSession } from '../9-client-interaction/client.js'
import type { SessionClient } from '../9-client-interaction/session-client.js'

/** A greeting is left without an answer for so many times `attemptMs` before its connection is dropped. */
const attempts = 4

/** A client that drops dead connections. */
interface DroppingClient extends SessionClient {
  /** Addresses whose connections are being dropped. */
  readonly dropped: Set<string>
}

function droppingClient(options: SomeClientOptions): DroppingClient {
  return { ...inSession.state(options), dropped: new Set() }
}

/**
 * A connection whose node does not answer a greeting is dropped, and made anew when it is wanted. Packets may be lost on
 * the way: then the system at either end sends again after ever longer pauses, and a node that could be reached again
 * would be left alone for as long.
 */
function elapsedWithSilence(client: DroppingClient, now: number): void {
  const isDue = now >= client.wakeAt
  learnMembers.elapsed(client, now)
  if (!isDue) return
  for (const [address, { state, since }] of client.links) {
    if (state !== 'greeted' || client.dropped.has(address) || isHeld(client, address)) continue
    const end = since! + attempts * client.options.attemptMs
    if (now < end) wake(client, end)
    else drop(client, address)
  }
}

function drop(client: DroppingClient, address: string): void {
  client.dropped.add(address)
  client.effects.drop.push(address)
}

/** A connection stays while its end would lose an answer that may come: of a write, or of a call for this node alone. */
function isHeld({ calls }: DroppingClient, address: string): boolean {
  return [...calls.values()].some((call) => call.sent && call.address === address && mayLose(call))
}

function mayLose({ repeatable, pinned, command }: Call): boolean {
  const isGreeting = pinned && (command.command === 'members' || command.command === 'ping')
  return !repeatable || (pinned && !isGreeting)
}

function disconnectedOrDropped(client: DroppingClient, address: string, reason: string): void {
  client.dropped.delete(address)
  learnMembers.disconnected(client, address, reason)
}

/** The client's rules that this stage changes. */
export const dropSilent = {
  state: droppingClient,
  elapsed: elapsedWithSilence,
  disconnected: disconnectedOrDropped,
}
