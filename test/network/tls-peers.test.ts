/** Nodes that speak TLS with each other: each is who its certificate says, or is refused, whoever calls whom. */
import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import t, { type Test } from 'tap'
import { systemClock, systemRandom } from '../../src/clock.js'
import type { Member, Message } from '../../src/contracts.js'
import { encodeFrames } from '../../src/network/framing.js'
import { openNetwork } from '../../src/network/networks.js'
import type { NodeTls } from '../../src/network/tls.js'
import { schemas } from '../../stages/schemas.js'
import { authority, certificate, goodTls, stranger, tlsOf } from '../helpers/certificates.js'
import { networkConformance } from './conformance.js'
import { members, Peer, replicate } from './peers.js'
import { stage } from './stage.js'
import { wires } from './wires.js'

const connected = ['tcp', 'grpc'] as const
type Connected = (typeof connected)[number]

/** All nodes of the suite have good certificates. */
const own = new Map<string, NodeTls>()
for (const name of ['n1', 'n2', 'n3', 'n4', 'n5']) own.set(name, await goodTls(name))

for (const name of connected) {
  const make = wires[name]!.open()
  const open = () => (options: Parameters<typeof make>[0]) => make({ ...options, tls: own.get(options.self) })
  // Strangers cannot lie to these ports without a certificate: how they lie is tried below.
  networkConformance(t, `${name}, over TLS`, { open, mayRepeat: false, isReal: false })
}

/** A node with a TLS that need not be its own. */
function peer(t: Test, name: Connected, self: string, both: readonly Member[], tls: NodeTls | undefined) {
  t.teardown(() => tls?.close())
  return new Peer(t, wires[name]!.open(), self, both, { tls })
}

const now = Date.now()
const hourMs = 60 * 60 * 1_000
const [from, until] = [new Date(now - hourMs / 2), new Date(now - hourMs / 6)]
/** Trusts anybody itself, and is honest only about its own name. */
const careless = `${authority.cert}${stranger.cert}`

/** Nodes that call themselves `n2`, and the reason for which each is refused. */
const wrong: Record<string, readonly [() => Promise<NodeTls>, RegExp]> = {
  'of another authority': [
    async () => tlsOf('n2', { ...(await certificate({ name: 'n2' }, stranger)), ca: careless }),
    /our authority|unable to verify|self-signed/,
  ],
  expired: [
    async () => tlsOf('n2', await certificate({ name: 'n2', from, until }), { now: () => now - hourMs / 3 }),
    /has expired/,
  ],
  'not valid yet': [
    async () =>
      tlsOf('n2', await certificate({ name: 'n2', from: new Date(now + hourMs) }), { now: () => now + 2 * hourMs }),
    /not (yet valid|valid yet)/,
  ],
  'of another node': [
    async () => tlsOf('n3', await certificate({ name: 'n3' })),
    /not that of "n2": it names node "n3"/,
  ],
  'of a node of another cluster': [
    async () => tlsOf('n2', await certificate({ name: 'n2', cluster: 'other' }), { cluster: 'other' }),
    /it names node "n2" of "other"/,
  ],
}

for (const name of connected)
  for (const [what, [makeTls, reason]] of Object.entries(wrong))
    t.test(`${name}: a node with a certificate ${what} is refused when it calls, and when it is called`, async (t) => {
      const both = await members(2)
      const n1 = peer(t, name, 'n1', both, await goodTls('n1'))
      const n2 = peer(t, name, 'n2', both, await makeTls())
      await Promise.all([n1.start(), n2.start()])
      const refused = (isCaller: boolean) =>
        n1.notices.some(
          ({ event, peer, remote, reason: why }) =>
            event === 'peer_refused' &&
            reason.test(String(why)) &&
            (isCaller ? remote === '127.0.0.1' : peer === 'n2' && remote === both[1]!.peer),
        )
      // A node of another cluster hangs up itself before it is refused: n1 is no node of its cluster.
      await n1.until(() => refused(false) && (refused(true) || what === 'of a node of another cluster'))
      n1.network.send(replicate('n1', 'n2'))
      n2.network.send(replicate('n2', 'n1'))
      await n1.until(() => n1.notices.filter(({ event }) => event === 'peer_refused').length > 3)
      t.same(n1.links('n2'), [])
      t.same([n1.received, n2.received], [[], []])
    })

for (const name of connected)
  t.test(`${name}: a client's certificate makes nobody a node`, async (t) => {
    const both = await members(2)
    const n1 = peer(t, name, 'n1', both, await goodTls('n1'))
    await n1.start()
    const files = await certificate({ kind: 'clients', name: 'n2' })
    const [host, port] = both[0]!.peer.split(':') as [string, string]
    const socket = connectTls({ host, port: Number(port), ...files, checkServerIdentity: () => undefined })
    socket.on('error', () => {})
    await once(socket, 'close')
    await n1.until(() =>
      n1.notices.some(({ reason }) => /no node of this cluster: it names client "n2"/.test(String(reason))),
    )
  })

t.test('tcp: a message of another sender than the certificate names ends the connection', async (t) => {
  const both = await members(2)
  const n1 = peer(t, 'tcp', 'n1', both, await goodTls('n1'))
  await n1.start()
  const [host, port] = both[0]!.peer.split(':') as [string, string]
  const socket = connectTls({
    host,
    port: Number(port),
    ...(await certificate({ name: 'n2' })),
    checkServerIdentity: () => undefined,
  })
  await once(socket, 'secureConnect')
  const hello = { type: 'Hello', protocol: 3, cluster: 'test', from: 'n2', to: 'n1', incarnation: '', origin: '' }
  const lie: Message = replicate('n3', 'n1')
  socket.on('error', () => {}).resume()
  socket.write(encodeFrames([JSON.stringify(hello), JSON.stringify(lie)]))
  await once(socket, 'close')
  t.same(n1.received, [])
  t.match(n1.notices.at(-1), { event: 'peer_refused', peer: 'n2', reason: /sent a message from n3/ })
})

for (const name of connected)
  t.test(`${name}: a node that speaks plainly, and one that does not, never hear each other`, async (t) => {
    const both = await members(2)
    const n1 = peer(t, name, 'n1', both, await goodTls('n1'))
    const n2 = peer(t, name, 'n2', both, undefined)
    await Promise.all([n1.start(), n2.start()])
    await n1.until(() => n1.notices.some(({ reason }) => /this port speaks TLS/.test(String(reason))))
    await n2.until(() => n2.notices.some(({ event }) => event === 'peer_refused'))
    t.same(n1.links('n2'), [])
  })

t.test('udp does not start beside TLS', async (t) => {
  const tls = await goodTls('n1')
  const world = { clock: systemClock, random: systemRandom, notice: () => {} }
  const site = { self: 'n1', members: await members(1), cluster: 'test', electionMs: 1_000, ...world, tls }
  const message = /^there is no TLS over udp: take the network tcp or grpc, or leave tls out$/
  await t.rejects(
    openNetwork('udp', stage, site, () => {}, schemas),
    { name: 'ConfigError', message },
  )
})
