import t, { type Test } from 'tap'
import { CallError, Client } from '../../client/client.js'
import { encodeFrames } from '../../src/network/framing.js'
import { cli, Raw, RunningCluster } from '../helpers/running.js'

type Entries = readonly (readonly [string, string])[]

/** A cluster of stage 6 with the keys k0 to k9, and its leader. */
async function filled(t: Test) {
  const cluster = await new RunningCluster(t, 6, ['--nodes', '3']).ready()
  const client = new Client({ addresses: cluster.addresses(), deadlineMs: 30_000 })
  t.teardown(() => client.close())
  for (let at = 0; at < 10; at++) await client.set(`k${at}`, 'old')
  const outcome = await client.call({ command: 'info' })
  const id = outcome.outcome === 'done' ? (outcome.answer.info as { leader: string }).leader : ''
  return { cluster, client, leader: cluster.node(id) }
}

const entries = (value: string, ...keys: string[]) => keys.map((key) => [key, value])

t.test('pages of one moment, by lines and by frames, on the way through the log', async (t) => {
  const { client, leader } = await filled(t)
  const raw = new Raw(t, leader.client)
  const byLine = async (request: object) => {
    raw.forget()
    raw.socket.write(`${JSON.stringify(request)}\n`)
    return (await raw.answers(1))[0] as Record<string, unknown>
  }
  const first = await byLine({ command: 'scan', prefix: 'k', limit: 4 })
  t.match(first, { ok: true, entries: entries('old', 'k0', 'k1', 'k2', 'k3'), more: true })
  await client.set('k4', 'new')
  await client.set('k41', 'new')
  await client.delete('k5')
  const second = await byLine({ command: 'scan', page: first.page, limit: 3 })
  t.match(second, { entries: entries('old', 'k4', 'k5', 'k6'), more: true })
  const framed = new Raw(t, leader.client)
  framed.socket.write(encodeFrames([JSON.stringify({ id: 1, command: 'scan', page: second.page })]))
  t.same(await framed.framedAnswers(1), [{ id: 1, ok: true, entries: entries('old', 'k7', 'k8', 'k9'), more: false }])
  t.match(await byLine({ command: 'scan', after: 'k3', limit: 2 }), { entries: entries('new', 'k4', 'k41') })
  for (const [wrong, message] of [
    [{ page: 'nonsense' }, /"page" must be a page/],
    [{ page: '' }, /"page" must be a page/],
    [{ page: 7 }, /"page" must be a string/],
    [{ page: 'x.1-9-k' }, /"page" must be a page/],
    [{ page: first.page, prefix: 'x' }, /of the same "prefix"/],
    [{ page: first.page, prefix: '' }, /of the same "prefix"/],
    [{ page: first.page, after: 'k7' }, /without "after"/],
  ] as const)
    t.match(await byLine({ command: 'scan', ...wrong }), { error: { code: 'bad_request', message } })
  t.match(await byLine({ command: 'scan', page: first.page, prefix: 'k', after: '', limit: 1 }), {
    entries: [['k4', 'old']],
  })
})

t.test('a scan that outlives its leader is refused: compacted, in the library and on the command line', async (t) => {
  const { cluster, client, leader } = await filled(t)
  const typed = (...words: string[]) => cli(['client', '--connect', cluster.addresses().join(','), ...words])
  const { page } = JSON.parse((await typed('--json', 'scan', 'k', '', '2')).stdout) as { page: string }
  t.match(await typed('scan', 'k', '', '1', page), { code: 0, stdout: 'k2\told\n' })
  const all: string[] = []
  for await (const [key] of client.scan('k', { pageKeys: 3 })) all.push(key)
  t.same(all, ['k0', 'k1', 'k2', 'k3', 'k4', 'k5', 'k6', 'k7', 'k8', 'k9'])

  const begun: Entries[number][] = []
  const scanning = (async () => {
    for await (const entry of client.scan('k', { pageKeys: 3 })) {
      begun.push(entry)
      if (begun.length === 1) await cluster.say(`kill ${leader.id}`)
    }
  })()
  const error = await scanning.then(
    () => null,
    (thrown: unknown) => thrown as CallError,
  )
  t.ok(error instanceof CallError)
  t.match(error, { code: 'compacted', unknown: false, message: /begin the scan again/ })
  t.equal(begun.length, 3, 'the page that had come')
  t.match(await typed('--deadline', '30000', 'scan', 'k', '', '1', page), {
    code: 1,
    stdout: '',
    stderr: /^refused compacted: this node does not keep the moment of this page: begin the scan again/,
  })
})
