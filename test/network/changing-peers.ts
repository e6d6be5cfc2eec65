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
  t.test(`${name}: a copy of a peer that listens elsewhere takes nothing away from it`, (t) => copied(t, wire))
  t.test(`${name}: a peer at an address that cannot be is away, and nobody else`, (t) => impossible(t, wire))
  t.test(`${name}: a newcomer that knows nobody answers who was told of it`, (t) => newcomer(t, wire))
  t.test(`${name}: who was removed and still knocks is answered, where members change`, (t) => knocking(t, wire))
  t.test(`${name}: strangers of another cluster are refused, where members change, too`, (t) => strangers(t, wire))
  t.test(`${name}: there is room for so many guests and no more`, (t) => crowd(t, wire))
  t.test(`${name}: a node that stops leaves nothing of its guests behind`, (t) => stopping(t, wire))
}

const open = { isOpen: true }

/** Two that know each other, and a third that knows them; or, if it knows only one, itself and nobody else. */
async function three(t: Test, wire: Wire, isOpen = false, known = 3): Promise<[Peer, Peer, Peer, Member[]]> {
  const all = await members(3)
  const two = all.slice(0, 2)
  const lists = [two, two, all.slice(-known)]
  const peers = lists.map((list, at) => new Peer(t, wire.open(), `n${at + 1}`, list, { isOpen })) as [Peer, Peer, Peer]
  await Promise.all(peers.map((peer) => peer.start()))
  return [...peers, all]
}

/** Says something, both ways, until both links are up. */
async function talk(a: Peer, b: Peer): Promise<void> {
  const speak = async (from: Peer, to: Peer) => {
    await from.deliver(to, replicate(from.self, to.self))
    await from.until(() => from.links(to.self).at(-1) === 'up')
  }
  await Promise.all([speak(a, b), speak(b, a)])
}

async function copied(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire, true)
  await talk(n1, n2)
  await n3.network.stop()
  const elsewhere = { ...all[1]!, peer: all[2]!.peer }
  const copy = new Peer(t, wire.open(), 'n2', [all[0]!, elsewhere], { isOpen: true })
  await copy.start()
  const isRefused = () => n1.notices.some(({ event, reason }) => event === 'peer_refused' && /n2/.test(`${reason}`))
  while (!isRefused()) {
    copy.network.send(replicate('n2', 'n1', { command: 'delete', key: 'copy' }))
    await new Promise(setImmediate)
  }
  await talk(n1, n2)
  t.same([n1.links('n2'), n2.links('n1')], [['up'], ['up']], 'its connections stand')
  t.notOk(JSON.stringify(n1.received).includes('copy'))
  await copy.until(() => copy.met.length > 1)
  t.same(copy.met[0], { id: 'n2', origin: '', incarnation: '', address: all[1]!.peer }, 'it is told who is heard')
  t.same([n1.met, n2.met], [[], []], 'and nobody else is')
  await n2.network.stop()
  await n1.until(() => n1.links('n2').at(-1) === 'down')
  // Datagrams are heard from the known address only.
  if (!wire.mayRepeat) await copy.deliver(n1, replicate('n2', 'n1'))
  t.pass('it is heard when its double is gone')
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

async function newcomer(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire, true, 1)
  await talk(n1, n2)
  t.same(n3.notices, [])
  n1.network.setPeers(all)
  await talk(n1, n3)
  t.same(n3.links('n1'), ['up'])
  n3.network.setPeers(all)
  await Promise.all([talk(n1, n3), talk(n2, n3)])
  t.same(n3.links('n1'), ['up'], 'a guest that becomes a peer is not disturbed')
  t.same(n2.links('n3'), ['up'], 'and we can be a guest ourselves')
  n1.network.setPeers(all.slice(0, 2))
  await talk(n1, n3)
  n1.network.setPeers(all)
  await talk(n1, n3)
  n3.network.setPeers(all.slice(2))
  await n2.until(() => n2.links('n3').at(-1) === 'down')
  await talk(n1, n3)
  n1.network.setPeers(all.slice(0, 2))
  await n3.until(() => n3.links('n1').at(-1) === 'down')
  await n1.until(() => n1.links('n3').at(-1) === 'down')
  const [first, second] = [n1.links('n3').length, n2.links('n3').length]
  for (const peer of [n1, n2]) peer.network.send(replicate(peer.self, 'n3'))
  await talk(n1, n2)
  t.same([n1.links('n3').length, n2.links('n3').length], [first, second], 'nobody keeps the other for its own sake')
}

async function knocking(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire, true)
  n1.network.setPeers(all)
  await Promise.all([talk(n1, n2), talk(n1, n3)])
  n1.network.setPeers(all.slice(0, 2))
  await talk(n3, n1)
  t.same(n1.links('n3'), ['up', 'down', 'up'])
  await n3.network.stop()
  await n1.until(() => n1.links('n3').at(-1) === 'down')
  const again = new Peer(t, wire.open(), 'n3', all.slice(2), open)
  await again.start()
  n1.network.send(replicate('n1', 'n3'))
  await talk(n1, n2)
  t.same(again.received, [], 'it is not looked for')
  await again.network.stop()
  const third = new Peer(t, wire.open(), 'n3', all, open)
  await third.start()
  await talk(third, n1)
}

async function strangers(t: Test, wire: Wire): Promise<void> {
  const all = await members(3)
  const n1 = new Peer(t, wire.open(), 'n1', all.slice(0, 1), open)
  const other = new Peer(t, wire.open(), 'n2', all, { ...open, cluster: 'other' })
  const double = new Peer(
    t,
    wire.open(),
    'n1',
    [
      { ...all[2]!, id: 'n1' },
      { ...all[0]!, id: 'n0' },
    ],
    open,
  )
  await Promise.all([n1, other, double].map((peer) => peer.start()))
  const isRefused = (reason: RegExp) => n1.notices.some((notice) => reason.test(String(notice.reason)))
  const isTried = () => isRefused(/belongs to .*cluster/) && isRefused(/looking for "n0"/)
  while (!isTried()) {
    other.network.send(replicate('n2', 'n1'))
    double.network.send(replicate('n1', 'n1'))
    await new Promise(setImmediate)
  }
  const n3 = new Peer(t, wire.open(), 'n3', [all[2]!, all[0]!], open)
  await double.network.stop()
  await n3.start()
  await talk(n3, n1)
  t.same(n1.links('n2'), [])
  t.same([...new Set(n1.received.map(({ from }) => from))], ['n3'])
}

async function crowd(t: Test, wire: Wire): Promise<void> {
  const all = await members(18)
  const [n1, ...others] = all.map(
    (member, at) => new Peer(t, wire.open(), member.id, at === 0 ? [member] : [member, all[0]!], open),
  ) as [Peer, ...Peer[]]
  const last = others.pop()!
  await Promise.all([n1, ...others].map((peer) => peer.start()))
  await Promise.all(others.map((peer) => talk(peer, n1)))
  await last.start()
  await n1.until(() => n1.notices.some(({ reason }) => /"n18" is no peer of ours, and there are 16/.test(`${reason}`)))
  t.same(n1.links('n18'), [])
  await others.pop()!.network.stop()
  await talk(last, n1)
  t.same(n1.links('n18'), ['up'])
}

async function impossible(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, , all] = await three(t, wire)
  const nowhere = ['127.0.0.1:71066', '0.0.0.0:1', 'no address', `${'x'.repeat(300)}:1`]
  for (const peer of nowhere) n1.network.setPeers([...all.slice(0, 2), { ...all[2]!, peer }])
  n1.network.send(replicate('n1', 'n3'))
  await talk(n1, n2)
  const told = n1.notices.filter(({ event }) => event === 'peer_unreachable')
  t.same(
    told.map(({ peer }) => peer),
    nowhere.map(() => 'n3'),
  )
}

async function stopping(t: Test, wire: Wire): Promise<void> {
  const [n1, n2, n3, all] = await three(t, wire, true)
  await Promise.all([talk(n3, n1), talk(n3, n2)])
  await n1.network.stop()
  await n1.until(() => n1.links('n3').at(-1) === 'down')
  const again = new Peer(t, wire.open(), 'n1', all.slice(0, 2), open)
  await again.start()
  await Promise.all([talk(n3, again), talk(n2, again)])
  t.same(n1.links('n3'), ['up', 'down'])
  t.same(
    n1.received.filter(({ to }) => to !== 'n1'),
    [],
  )
}
