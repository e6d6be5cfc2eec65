import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import type { Claims } from './claim.js'
import { HandClient } from './session-clients.js'

const get = { command: 'get', key: 'k' }
const reading = { readOnly: true, ofApplication: true }
/** Longer than a connection may be silent. */
const longMs = 2_000

/** A client for which all three nodes have become silent, in the middle of a read. */
function cutOff(stage: Stage) {
  const client = new HandClient(stage)
  for (const address of ['A', 'B', 'C']) client.stopped.add(address)
  const call = client.call(get, { ...reading, deadlineMs: 60_000 })
  return { client, call }
}

/** Time passes in small steps, so that every timer of the client runs when it is due. */
function pass(client: HandClient, ms: number): void {
  for (let left = ms; left > 0; left -= 50) client.pass(50)
}

/** Connections that no node answers, as the client library has them. */
export const deadLinkClaims: Claims = {
  'a connection on which a greeting is left without an answer is dropped, and made anew': (stage) => {
    const { client, call } = cutOff(stage)
    pass(client, longMs)
    same(new Set(client.dropped), new Set(['A', 'B', 'C']))
    client.stopped.clear()
    const before = client.begun.length
    pass(client, longMs)
    ok(client.begun.length > before, 'a new connection is begun')
    const sent = client.onlyOne()
    client.answer(sent, { ok: true, value: '1' })
    equal(client.outcomes.get(call)?.outcome, 'done')
  },
  'a connection is not dropped once its node has answered': (stage) => {
    const client = new HandClient(stage)
    client.call(get, reading)
    pass(client, 200)
    client.answer(client.onlyOne(), { ok: true, value: '1' })
    pass(client, 10 * longMs)
    same(client.dropped, [])
  },
  'a connection stays while a write waits on it that may not be asked again': (stage) => {
    const client = new HandClient(stage)
    const writing = { readOnly: false, ofApplication: true, session: false, deadlineMs: 3 * longMs }
    const write = client.call({ command: 'set', key: 'k', value: '1' }, writing)
    const { address } = client.onlyOne()
    client.stopped.add(address)
    client.call(get, { ...reading, at: address, deadlineMs: 500 })
    pass(client, longMs)
    same(client.dropped, [])
    equal(client.outcomes.has(write), false, 'its answer may still come')
    pass(client, 3 * longMs)
    equal(client.outcomes.get(write)?.outcome, 'unknown')
  },
}
