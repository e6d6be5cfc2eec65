import type { Answer, Failure } from '../../src/contracts.js'
import { dispatch } from './call.js'
import { type Call, type Client, fail, failWith, settle } from './client.js'
import { hear } from './link.js'

/**
 * An answer has come. One that nobody waits for is dropped: its call was settled as unknown at its deadline, and a
 * client that said "unknown" may not say "done" later.
 */
export function answered(client: Client, address: string, id: unknown, answer: Answer): void {
  hear(client, address)
  const call = typeof id === 'number' ? client.calls.get(id) : undefined
  if (!call?.sent || call.address !== address) return
  if (answer.ok) settle(client, call, { outcome: 'done', answer })
  else if (answer.error.code === 'not_leader' && !call.pinned) redirected(client, call, answer.error)
  else fail(client, call, answer.error)
}

/**
 * Another node leads: ask there, and send later calls there first. Two nodes that name each other would keep a call
 * going round for ever, so the number of redirects is bounded.
 */
function redirected(client: Client, call: Call, error: Failure): void {
  const leaderAddress = error.address
  if (typeof leaderAddress !== 'string') return fail(client, call, error)
  call.path.push(call.address)
  if (call.path.length > client.options.maxRedirects) {
    const path = [...call.path, leaderAddress].join(' → ')
    return failWith(client, call, 'not_leader', `gave up after ${client.options.maxRedirects} redirects: ${path}`)
  }
  client.preferred = leaderAddress
  call.address = leaderAddress
  call.sent = false
  dispatch(client, call)
}
