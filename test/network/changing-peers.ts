/** What every network must do when its peers change while it runs. */
import type { Test } from 'tap'
import type { Member } from '../../src/contracts.js'
import { members, Peer, replicate } from './peers.js'
import type { Wire } from './wires.js'

export function changingPeers(t: Test, name: string, wire: Wire): void {
  t.test(`${name}: a peer that is added is reached, both ways`, (t) => added(t, wire))
  t.test(`${name}: a peer that is removed is not sent to, nor heard`, (t) => removed(t, wire))
  t.test(`${name}: links that lead where they should are left alone`, (t) => unchanged(t, wire))
  t.test(`${name}: a peer that has moved is found`, (t) => moved(t, wire))
}

/** Two that know each other, and a third that knows them, or nobody. */
async function three(t: Test, wire: Wire): Promise<[Peer, Peer, Peer, Member[]]> {
  const all = await members(3)
  const two = all.slice(0, 2)
  const peers = [two, two, all].map((known, at) => new Peer(t, wire.open(), `n${at + 1}`, known)) as [Peer, Peer, Peer]
  await Promise.all(peers.map((peer) => peer.start()))
  return [...peers, all]
}

/** Says something, both ways. */
async function talk(a: Peer, b: Peer): Promise<void> {
  await Promise.all([a.deliver(b, replicate(a.self, b.self)), b.deliver(a, replicate(b.self, a.self))])
}

async function added(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire)
  await talk(n1, n2)
  n1.network.setPeers(all)
  n2.network.setPeers(all)
  await Promise.all([talk(n1, n3), talk(n2, n3), talk(n1, n2)])
  t.same(n1.links('n2'), ['up'], 'the others were not disturbed')
  const early = new Peer(t, wire.open(), 'n3', all.slice(2))
  await n3.network.stop()
  early.network.setPeers(all)
  await early.start()
  await talk(early, n1)
}

async function removed(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire)
  n1.network.setPeers(all)
  await Promise.all([talk(n1, n2), talk(n1, n3)])
  n1.network.setPeers(all.slice(0, 2))
  await n1.until(() => n1.links('n3').at(-1) === 'down')
  const [heard, said] = [n1.received.length, n3.received.length]
  const isRefused = () => n1.notices.some(({ event, reason }) => event === 'peer_refused' && /"n3"/.test(`${reason}`))
  while (!isRefused()) {
    n3.network.send(replicate('n3', 'n1'))
    await new Promise(setImmediate)
  }
  n1.network.send(replicate('n1', 'n3'))
  await talk(n1, n2)
  t.equal(n3.received.length, said)
  t.notOk(n1.received.slice(heard).some(({ from }) => from === 'n3'))
  n1.network.setPeers(all)
  await talk(n1, n3)
}

async function unchanged(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire)
  for (const peer of [n1, n2]) peer.network.setPeers(all)
  await Promise.all([talk(n1, n2), talk(n1, n3)])
  for (let count = 0; count < 10; count++) n1.network.setPeers(all.map((member) => ({ ...member })))
  n1.network.setPeers([...all].reverse())
  n1.network.setPeers(all.slice(1))
  await Promise.all([talk(n1, n2), talk(n1, n3)])
  for (const peer of ['n2', 'n3']) t.same(n1.links(peer), ['up'], `to ${peer}`)
  await n1.network.stop()
  n1.network.setPeers(all)
  n1.network.send(replicate('n1', 'n2'))
  await talk(n2, n3)
  t.same(n1.links('n2').slice(0, 2), ['up', 'down'], 'who has stopped connects no more')
}

async function moved(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire)
  n1.network.setPeers(all)
  await Promise.all([talk(n1, n2), talk(n1, n3)])
  await n3.network.stop()
  const [elsewhere] = await members(1)
  const after = [...all.slice(0, 2), { ...all[2]!, peer: elsewhere!.peer }]
  const again = new Peer(t, wire.open(), 'n3', after)
  await again.start()
  n1.network.setPeers(after)
  await Promise.all([talk(n1, again), talk(n1, n2)])
  t.same(n1.links('n3'), ['up', 'down', 'up'])
  t.same(n1.links('n2'), ['up'])
}
