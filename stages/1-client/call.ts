import type { CallOptions, Command } from '../../src/contracts.js'
import { type Call, type Client, type Link, wake } from './client.js'
import { isHeard, isSilent } from './heard.js'

/**
 * A new call that is not sent yet. @returns the call, which is among {@link Client.calls} from now on
 */
export function enqueue(client: Client, command: Command, options: CallOptions): Call {
  const call: Call = {
    id: client.nextId++,
    command,
    repeatable: options.readOnly,
    deadline: client.now + (options.deadlineMs ?? client.options.deadlineMs),
    pinned: options.at !== undefined,
    address: options.at ?? client.preferred,
    sent: false,
    path: [],
    notBefore: 0,
    refusal: null,
  }
  client.calls.set(call.id, call)
  wake(client, call.deadline)
  return call
}

/**
 * A new call. It is sent at once if its node was heard a moment ago, without waiting for the answers of earlier calls
 * (pipelining): the `id` tells the answers apart.
 *
 * @returns the id under which `settle` will name its outcome
 */
export function call(client: Client, command: Command, options: CallOptions): number {
  const call = enqueue(client, command, options)
  dispatch(client, call)
  return call.id
}

/**
 * Sends a call if its node is known to listen; otherwise begins a connection, now or when the address may be tried
 * again, or greets the node. What is not sent may go elsewhere; what is sent to a stopped node is *unknown* in the end.
 */
export function dispatch(client: Client, call: Call): void {
  if (call.notBefore > client.now) return wake(client, call.notBefore)
  const link = client.links.get(call.address)
  if (mayLeave(client, call, link)) {
    call.sent = true
    client.effects.send.push({ address: call.address, message: { ...call.command, id: call.id } })
    if (mayAskAgain(call)) wake(client, link!.heardAt! + client.options.attemptMs)
  } else if (!link || link.state === 'waiting') {
    if (link && link.retryAt > client.now) wake(client, link.retryAt)
    else connectTo(client, call.address)
  } else {
    awaitWord(client, call, link)
  }
}

/** A call that only one node may be asked leaves as soon as the connection stands: it has no other way to go. */
function mayLeave(client: Client, { pinned }: Call, link: Link | undefined): boolean {
  return pinned ? link?.state === 'open' || link?.state === 'greeted' : isHeard(client, link)
}

/** A read that was sent may be asked once more elsewhere, as may all that does no harm when it is asked twice. */
export function mayAskAgain({ sent, repeatable, pinned }: Call): boolean {
  return sent && repeatable && !pinned
}

/**
 * A connection is begun or stands, and its node has said nothing for a while. The node is greeted, unless it was
 * already; when that is left without an answer too, the call goes to another node.
 */
export function awaitWord(client: Client, call: Call, link: Link): void {
  if (isHeard(client, link)) return wake(client, link.heardAt! + client.options.attemptMs)
  if (link.state === 'open') return greet(client, call.address, { command: 'ping' })
  if (!isSilent(client, link)) return wake(client, link.since! + client.options.attemptMs)
  if (!call.pinned) tryBeside(client, call)
}

/** Asks a node something that every node answers at once, whatever its state: then it is known to listen. */
export function greet(client: Client, address: string, greeting: Command): void {
  const failures = client.links.get(address)?.failures ?? 0
  client.links.set(address, { state: 'greeted', failures, retryAt: 0, since: client.now })
  wake(client, client.now + client.options.attemptMs)
  call(client, greeting, { readOnly: true, at: address })
}

/** Begins a connection. */
export function connectTo(client: Client, address: string): void {
  const failures = client.links.get(address)?.failures ?? 0
  client.links.set(address, { state: 'connecting', failures, retryAt: 0, since: client.now })
  client.effects.connect.push(address)
  wake(client, client.now + client.options.attemptMs)
}

/**
 * The address of a call is silent, so the first node that answers is asked instead. One more address is tried at a
 * time, beside the connections that were begun before. Without this rule, a call would wait out its deadline beside
 * nodes that serve.
 */
function tryBeside(client: Client, call: Call): void {
  const others = client.addresses.filter((address) => address !== call.address)
  const open = others.find((address) => client.links.get(address)?.state === 'open')
  if (open !== undefined) return moveTo(client, call, open)
  const links = others.map((address) => client.links.get(address))
  const begun = links.find((link) => link?.since !== undefined && !isSilent(client, link))
  if (begun) return wake(client, begun.since! + client.options.attemptMs)
  const at = links.findIndex((link) => !link || (link.state === 'waiting' && link.retryAt <= client.now))
  if (at >= 0) connectTo(client, others[at]!)
}

/** A call moves to an address that answers, because its own address does not. */
export function moveTo(client: Client, call: Call, address: string): void {
  if (client.preferred === call.address) client.preferred = address
  if (call.path.length > 0) call.path.push(`${call.address} (silent)`)
  call.address = address
  call.sent = false
  dispatch(client, call)
}
