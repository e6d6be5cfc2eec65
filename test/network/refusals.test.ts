import { connect } from 'node:net'
import t from 'tap'
import { systemClock } from '../../src/clock.js'
import { encodeFrames } from '../../src/network/framing.js'
import { members, Peer } from './peers.js'
import { wires } from './wires.js'

const hello = { type: 'Hello', protocol: 1, cluster: 'test', from: 'n3', to: 'n1' }

for (const name of ['tcp', 'grpc']) {
  t.test(`${name}: a flood of strangers makes few words, and the rest is counted`, async (t) => {
    let now = 0
    const all = await members(1)
    const n1 = new Peer(t, wires[name]!.open(), 'n1', all, { clock: { ...systemClock, now: () => now } })
    await n1.start()
    const refusals = () => n1.notices.filter(({ event }) => event === 'peer_refused')
    const knock = () =>
      new Promise((resolve) => {
        const socket = connect(n1.address)
        socket.on('error', () => {})
        socket.once('close', resolve)
        socket.resume().write('GET / HTTP/1.1\r\n\r\n')
      })
    for (let at = 0; at < 60; at++) await knock()
    t.equal(refusals().length, 20)
    now += 1_000
    await knock()
    t.match(refusals().at(-1), { unnoticed: 40 })
    t.equal(refusals().length, 21)
  })
}

t.test('tcp: what a stranger says of itself is repeated cut and escaped', async (t) => {
  const all = await members(1)
  const n1 = new Peer(t, wires.tcp!.open(), 'n1', all, { isOpen: true })
  await n1.start()
  const evil = `\x1b[2J\x1b]0;mine\x07\x9b31m\x7f\u202e${'x'.repeat(8_000_000)}`
  for (const lie of [{ cluster: evil }, { protocol: evil }, { to: evil }, { from: evil }, { cluster: [[evil]] }]) {
    const before = n1.notices.length
    const socket = connect(n1.address)
    socket.on('error', () => {})
    socket.resume().end(encodeFrames([JSON.stringify({ ...hello, ...lie })]))
    await new Promise((resolve) => socket.once('close', resolve))
    const text = JSON.stringify(n1.notices.slice(before))
    t.match(text, /peer_refused/)
    t.ok(text.length < 1_000, `${text.length} characters`)
    t.notMatch(`${n1.notices.at(-1)?.reason}`, /\p{Cc}|\u202e/u)
  }
})
