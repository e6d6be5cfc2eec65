import type { ClientRules } from '../../src/contracts.js'
import { answered } from '../../stages/1-client/answer.js'
import { type Client, take } from '../../stages/1-client/client.js'
import { connected } from '../../stages/1-client/link.js'

type Rules = Pick<ClientRules<Client>, 'connected' | 'answered'>

/**
 * Makes a connection stand, and has its node answer the greeting. Effects that were decided before and were not taken
 * are lost, the greeting and its end with them; what follows from the answer is still to be taken.
 */
export function meet(client: Client, address: string, rules: Rules = { connected, answered }): void {
  rules.connected(client, address)
  const { send } = take(client)
  const greeting = send.find((sent) => sent.address === address && /^(ping|members)$/.test(sent.message.command))!
  rules.answered(client, address, greeting.message.id, { ok: true })
  client.effects.settle = client.effects.settle.filter(({ id }) => id !== greeting.message.id)
}
