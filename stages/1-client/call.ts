import type { Command } from '../../src/contracts.js'
import { type Call, type Client, wake } from './client.js'

export interface CallOptions {
  readonly readOnly: boolean
  readonly deadlineMs?: number | undefined
  /** Ask this node and no other. */
  readonly at?: string | undefined
}

/**
 * A new question. It is sent at once if its connection stands, without waiting for the answers of earlier ones
 * (pipelining): the `id` tells the answers apart.
 *
 * @returns the id under which `settle` will name its outcome
 */
export function call(client: Client, command: Command, options: CallOptions): number {
  const call: Call = {
    id: client.nextId++,
    command,
    readOnly: options.readOnly,
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
  dispatch(client, call)
  return call.id
}

/** Sends a call if its connection stands, and otherwise sees to it that one is made, now or when it may be tried again. */
export function dispatch(client: Client, call: Call): void {
  if (call.notBefore > client.now) return wake(client, call.notBefore)
  const link = client.links.get(call.address)
  if (link?.state === 'open') {
    call.sent = true
    client.effects.send.push({ address: call.address, message: { id: call.id, ...call.command } })
  } else if (link?.state === 'waiting' && link.retryAt > client.now) {
    wake(client, link.retryAt)
  } else if (link?.state !== 'connecting') {
    client.links.set(call.address, { state: 'connecting', failures: link?.failures ?? 0, retryAt: 0 })
    client.effects.connect.push(call.address)
  }
}
