import { type AddressInfo, createServer, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { type Answer, failure } from '../../src/contracts.js'
import { ClientPort } from '../../src/network/client-port.js'
import { Lookups } from '../../src/network/lookup.js'
import { silentAddress } from '../helpers/silent-port.js'

/** Longer than any test should take, and shorter than the system tries to connect. */
const deadlineMs = 60_000

/** A node that answers so; @returns its address */
async function node(t: Test, answerTo: (command: string) => Answer): Promise<string> {
  const clients = new ClientPort(({ command }, answer) => answer(answerTo(String(command))))
  const port = (await freeBasePort(1, '127.0.0.1')) + 1
  await clients.listen('127.0.0.1', port)
  t.teardown(() => clients.close())
  return `127.0.0.1:${port}`
}

function open(t: Test, ...addresses: string[]): Client {
  const client = new Client({ addresses, deadlineMs })
  t.teardown(() => client.close())
  return client
}

t.test('an address that swallows packets, first in the list, keeps nobody from the next', async (t) => {
  const silent = await silentAddress(t)
  const serving = await node(t, () => ({ ok: true }))
  t.match(await open(t, silent, serving).call({ command: 'set', key: 'a', value: '1' }), { outcome: 'done' })
  const several = open(t, silent, await silentAddress(t), '127.0.0.1:9', serving)
  t.match(await several.call({ command: 'get', key: 'a' }), { outcome: 'done' })
  const pinned = await several.call({ command: 'ping' }, { at: silent })
  t.match(pinned, { outcome: 'refused', error: { code: 'unreachable', message: /no answer in 1000 ms/ } })
})

t.test('a port that accepts connections and answers nothing is sent no call', async (t) => {
  const received: Buffer[] = []
  const port = createServer((socket) =>
    socket.on('error', () => {}).on('data', (chunk) => received.push(chunk as Buffer)),
  )
  await new Promise<void>((resolve) => port.listen(0, '127.0.0.1', resolve))
  const sockets = new Set<Socket>()
  port.on('connection', (socket) => sockets.add(socket))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    port.close()
  })
  const mute = `127.0.0.1:${(port.address() as AddressInfo).port}`
  const serving = await node(t, () => ({ ok: true }))
  for (const command of ['set', 'get'])
    t.match(await open(t, mute, serving).call({ command, key: 'a', value: '1' }), { outcome: 'done' })
  t.match(await open(t, mute, mute, serving).call({ command: 'set', key: 'a', value: '1' }), { outcome: 'done' })
  t.notMatch(Buffer.concat(received).toString(), /"(set|get)"/)
  const short = new Client({ addresses: [mute], deadlineMs: 600 })
  t.teardown(() => short.close())
  const refusal = { outcome: 'refused', error: { code: 'unreachable', message: /no answer from .*; nothing was sent/ } }
  t.match(await short.call({ command: 'set', key: 'a', value: '1' }), refusal)
})

t.test('a leader that swallows packets is asked again only now and then', async (t) => {
  const silent = await silentAddress(t)
  let asked = 0
  const serving = await node(t, (command) => {
    if (command !== 'set' || ++asked > 6) return { ok: true }
    return failure('not_leader', 'n2 leads', { leader: 'n2', address: silent })
  })
  t.match(await open(t, serving).call({ command: 'set', key: 'a', value: '1' }), { outcome: 'done' })
})

t.test('look-ups that hang are few, and one for each name', async (t) => {
  const asked: string[] = []
  const answers = new Map<string, () => void>()
  const lookups = new Lookups((host) => {
    asked.push(host)
    return new Promise((resolve) => answers.set(host, () => resolve([{ address: host, family: 4 }])))
  })
  const found = ['a', 'b', 'a', 'c', 'c'].map((host) => lookups.find(host))
  t.same(asked, ['a', 'b'], 'two at a time')
  answers.get('b')!()
  t.match(await found[1], [{ address: 'b' }])
  t.same(asked, ['a', 'b', 'c'])
  answers.get('c')!()
  t.same([await found[3], await found[4]], [await found[3], await found[3]])
  answers.get('a')!()
  t.equal(await found[0], await found[2])
  void lookups.find('a')
  t.same(asked, ['a', 'b', 'c', 'a'], 'asked again once there is an answer')
})
