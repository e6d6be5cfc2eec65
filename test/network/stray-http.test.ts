/** A browser, or a page in it, that talks to a port of a node: nothing of what it sends is performed. */
import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import t, { type Test } from 'tap'
import { parseAddress } from '../../src/address.js'
import { ClientPort } from '../../src/network/client-port.js'
import { TcpNetwork } from '../../src/network/tcp.js'
import type { Happened } from '../helpers/happened.js'
import { Raw } from '../helpers/running.js'
import { members, Peer } from './peers.js'

const set = '{"command":"set","key":"a","value":"1"}'

/** A client port of its own, which notes what it is asked. */
async function port(t: Test) {
  const asked: unknown[] = []
  const heard: Happened[] = []
  const clients = new ClientPort(
    (command, answer) => {
      asked.push(command)
      answer({ ok: true })
    },
    (event) => heard.push(event),
    {},
    '127.0.0.1:7201',
  )
  await clients.listen('127.0.0.1', 0)
  t.teardown(() => clients.close())
  return { asked, heard, port: clients.port }
}

/** Sends bytes as they are, and reads until the other side has ended. */
async function send(port: number, pieces: readonly (string | Buffer)[]): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const chunks: Buffer[] = []
  socket.on('error', () => {}).on('data', (chunk) => chunks.push(chunk as Buffer))
  await once(socket, 'connect')
  for (const piece of pieces) await new Promise((resolve) => socket.write(piece, resolve))
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

const isRefusal = /^HTTP\/1\.1 400 Bad Request\r\n(.+\r\n)*connection: close\r\n(.+\r\n)*\r\n[^\n]+\n$/

t.test('a page that posts lines of JSON to the client port gets a 400, and nothing is performed', async (t) => {
  const { asked, heard, port: at } = await port(t)
  const url = `http://127.0.0.1:${at}/`
  const answer = await fetch(url, {
    method: 'POST',
    body: `${set}\n${set}\n`,
    headers: { 'content-type': 'text/plain' },
  })
  t.equal(answer.status, 400)
  t.equal(answer.headers.get('connection'), 'close')
  const text = await answer.text()
  t.match(text, /speaks JSON.*no HTTP.*http:\/\/127\.0\.0\.1:7201\/metrics/)
  t.equal(text.trimEnd().split('\n').length, 1, 'one sentence')
  t.same(asked, [])
  t.match(heard, [{ event: 'client_dropped', reason: /HTTP/ }])
})

t.test('no form of a request is performed: chunked, with any method, with headers that look like JSON', async (t) => {
  const { asked, port: at } = await port(t)
  const options = { host: '127.0.0.1', port: at, method: 'PUT', headers: { [set.replaceAll(/[^a-z]/g, '')]: set } }
  const chunked = request(options)
  chunked.write(`\n${set}\n`)
  chunked.end(`${set}\n`)
  const [{ statusCode }] = (await once(chunked, 'response')) as [{ statusCode: number }]
  t.equal(statusCode, 400)
  const head = `host: a\r\n${set}\r\n\r\n`
  const post = `POST / HTTP/1.1\r\n${head}${set}\n`
  const forms: Record<string, readonly string[]> = {
    pipelined: [post + post],
    'byte by byte': [...post],
    'an empty line before it': [`\r\n\r\n${post}`],
    'a method of its own, in lower case': [`{x|set /?a="b" HTTP/1.1\r\n${head}`.replace('{', '!')],
    'of HTTP/2': [`PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${set}\n`],
    'of HTTP/1.0, to a proxy': [`CONNECT ${set.replaceAll(' ', '')} HTTP/1.0\r\n${set}\r\n`],
  }
  for (const [form, pieces] of Object.entries(forms)) t.match(await send(at, pieces), isRefusal, form)
  t.same(asked, [])
})

t.test('a TLS greeting is refused as a whole, whatever lines of JSON its fields hold', async (t) => {
  const { asked, port: at } = await port(t)
  const answer = await send(at, [
    Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]), Buffer.from(`\n${set}\n`)]),
  ])
  t.match(JSON.parse(answer), { ok: false, error: { code: 'bad_request', message: /TLS/ } })
  t.same(asked, [])
})

t.test('a person who types, or a line that only speaks of HTTP, is answered as before', async (t) => {
  const { asked, port: at } = await port(t)
  const person = new Raw(t, `127.0.0.1:${at}`)
  person.socket.write(`hello\nGET / HTTP\n${set}\n{"command":"set","key":"POST / HTTP/1.1","value":""}\n`)
  const answers = (await person.answers(4)) as { ok: boolean }[]
  t.same(
    answers.map(({ ok }) => ok),
    [false, false, true, true],
  )
  t.equal(asked.length, 2)
})

t.test('what was asked before an HTTP request on the same connection is answered, and nothing after it', async (t) => {
  const { asked, port: at } = await port(t)
  const answer = await send(at, [`{"id":1,"command":"ping"}\nPOST / HTTP/1.1\r\n\r\n${set}\n`])
  t.match(answer, /"id":1/)
  t.match(answer, /no HTTP/)
  t.equal(asked.length, 1)
})

t.test('a browser at a peer port over tcp gets a 400, and the peers are heard', async (t) => {
  const both = await members(2)
  const peers = both.map(({ id }) => new Peer(t, (options) => new TcpNetwork(options), id, both))
  await Promise.all(peers.map((peer) => peer.start()))
  const { port: at } = parseAddress(both[0]!.peer)!
  const answer = await fetch(`http://127.0.0.1:${at}/`, { method: 'POST', body: set })
  t.equal(answer.status, 400)
  t.match(await answer.text(), /for other nodes.*metrics/)
  t.match(await send(at, [...`GET / HTTP/1.1\r\nhost: a\r\n\r\n`]), isRefusal, 'byte by byte')
  const [n1, n2] = peers as [(typeof peers)[0], (typeof peers)[0]]
  await n1.until(() => n1.notices.some(({ event, reason }) => event === 'peer_refused' && /HTTP/.test(String(reason))))
  await n2.linkedTo('n1')
  n2.network.send({ type: 'Replicated', from: 'n2', to: 'n1', write: 1 } as never)
  await n1.until(() => n1.received.length === 1)
})
