import type { CallOptions, Command } from '../../src/contracts.js'
import { type Call, type Client, isSilent, wake } from './client.js'

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
 * A new call. It is sent at once if its connection stands, without waiting for the answers of earlier calls
 * (pipelining): the `id` tells the answers apart.
 *
 * @returns the id under which `settle` will name its outcome
 */
export function call(client: Client, command: Command, options: CallOptions): number {
  const call = enqueue(client, command, options)
  dispatch(client, call)
  return call.id
}

/** Sends a call if its connection stands; otherwise begins a connection, now or when the address may be tried again. */
export function dispatch(client: Client, call: Call): void {
  if (call.notBefore > client.now) return wake(client, call.notBefore)
  const link = client.links.get(call.address)
  if (link?.state === 'open') {
    call.sent = true
    client.effects.send.push({ address: call.address, message: { ...call.command, id: call.id } })
  } else if (link?.state === 'waiting' && link.retryAt > client.now) {
    wake(client, link.retryAt)
  } else if (link?.state !== 'connecting') {
    connectTo(client, call.address)
  } else if (!isSilent(client, link)) {
    wake(client, link.since! + client.options.attemptMs)
  } else if (!call.pinned) {
    tryBeside(client, call)
  }
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
  const begun = links.find((link) => link?.state === 'connecting' && !isSilent(client, link))
  if (begun) return wake(client, begun.since! + client.options.attemptMs)
  const at = links.findIndex((link) => !link || (link.state === 'waiting' && link.retryAt <= client.now))
  if (at >= 0) connectTo(client, others[at]!)
}

/** A call moves to an address that answers, because its own address does not. */
export function moveTo(client: Client, call: Call, address: string): void {
  if (client.preferred === call.address) client.preferred = address
  if (call.path.length > 0) call.path.push(`${call.address} (silent)`)
  call.address = address
  dispatch(client, call)
}
