import type { Command } from '../../src/contracts.js'
import { awaitWord, dispatch, greet, mayAskAgain, moveTo } from './call.js'
import { type Call, type Client, fail, failWith, wake } from './client.js'
import { isLeftAlone, isSilent } from './heard.js'

/**
 * A connection stands, and its node is greeted. The calls that wait for it are held until the node has said a word:
 * behind the connection may be a process that is stopped.
 */
export function connected(client: Client, address: string, greeting: Command = { command: 'ping' }): void {
  greet(client, address, greeting)
  for (const call of client.calls.values()) if (!call.sent && call.address === address) dispatch(client, call)
}

/**
 * A node has said something, whatever it was: so it listens. Every call that waited for its first word leaves, in the
 * order in which the calls were asked. Calls that wait for a silent address leave over this connection, too.
 */
export function hear(client: Client, address: string): void {
  const link = client.links.get(address)
  if (link?.state === 'open') {
    link.heardAt = client.now
    return
  }
  client.links.set(address, { state: 'open', failures: 0, retryAt: 0, heardAt: client.now })
  for (const call of client.calls.values()) {
    if (call.address === address) {
      if (!call.sent) dispatch(client, call)
    } else if ((!call.sent || call.repeatable) && !call.pinned && isSilent(client, client.links.get(call.address))) {
      moveTo(client, call, address)
    }
  }
}

/**
 * A connection broke, or could not be made. A write that was on its way is now *unknown*: whether the node had
 * performed it, nobody here can tell. A read may be asked again, and what was never sent may go elsewhere.
 */
export function disconnected(client: Client, address: string, reason: string): void {
  const failures = (client.links.get(address)?.failures ?? 0) + 1
  const { backoffMs, backoffCapMs } = client.options
  const pause = Math.min(backoffMs * 2 ** (failures - 1), backoffCapMs)
  client.links.set(address, { state: 'waiting', failures, retryAt: client.now + pause })
  wake(client, client.now + pause)
  const elsewhere = next(client, address)
  if (client.preferred === address) client.preferred = elsewhere
  for (const call of [...client.calls.values()].filter((call) => call.address === address)) {
    if (call.sent && !call.repeatable) {
      failWith(client, call, 'connection_lost', `the connection to ${address} broke before the answer (${reason})`)
    } else if (call.pinned) {
      failWith(client, call, 'unreachable', `no connection to ${address} (${reason})`)
    } else {
      if (call.path.length > 0) call.path.push(`${address} (${reason})`)
      call.sent = false
      call.address = elsewhere
      dispatch(client, call)
    }
  }
}

/** The client is closed. A call that was sent may still happen; one that was never sent has not happened. */
export function closed(client: Client): void {
  const message = 'this client was closed before the answer came'
  for (const call of client.calls.values())
    failWith(client, call, call.sent ? 'connection_lost' : 'shutting_down', message)
}

/** The address to try after this one: the next in the list that is not being left alone, if there is any. */
export function next(client: Client, address: string): string {
  const { addresses } = client
  const at = addresses.indexOf(address)
  const others = [...addresses.slice(at + 1), ...addresses.slice(0, at + 1)]
  return others.find((other) => !isLeftAlone(client, other)) ?? others[0]!
}

/** Time has passed: calls past their deadline end, and connections left alone long enough are tried again. */
export function elapsed(client: Client, now: number): void {
  client.now = now
  if (now < client.wakeAt) return
  client.wakeAt = Number.POSITIVE_INFINITY
  for (const call of client.calls.values()) {
    if (call.deadline <= now) {
      expire(client, call)
      continue
    }
    wake(client, call.deadline)
    if (!call.sent) dispatch(client, call)
    else if (mayAskAgain(call)) awaitWord(client, call, client.links.get(call.address)!)
  }
}

/** A sent call that got no answer is unknown, never failed; one that was never sent has certainly not happened. */
function expire(client: Client, call: Call): void {
  if (call.sent) failWith(client, call, 'timeout', `no answer from ${call.address} in time; it may still happen`)
  else if (call.refusal) fail(client, call, call.refusal)
  else failWith(client, call, 'unreachable', `no answer from ${call.address} in time; nothing was sent`)
}
