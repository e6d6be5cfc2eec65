import { request } from 'node:http'
import t from 'tap'
import { readAssets } from '../../client/ui/assets.js'
import { Feed } from '../../client/ui/feed.js'
import { servePage } from '../../client/ui/server.js'
import { RunningVerdict } from '../../client/ui/verdict.js'
import { shownOf } from './shown.js'

interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Asks the server, with headers that a browser would not let a page choose. A stream is read until it has this text. */
function ask(
  url: string,
  {
    method = 'GET',
    headers = {},
    body = '',
    until = '',
  }: { method?: string; headers?: Record<string, string>; body?: string; until?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method, headers }, (response) => {
      let text = ''
      const done = () => resolve({ status: response.statusCode!, headers: response.headers, body: text })
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (until === '' || !text.includes(until)) return
        done()
        asked.destroy()
      })
      response.on('end', done)
    })
    asked.on('error', (error) => (until === '' ? reject(error) : undefined))
    asked.end(body)
  })
}

t.test('a page is served to those who have its token, and to no other origin', async (t) => {
  const feed = new Feed(true)
  const server = await servePage(shownOf(feed))
  t.teardown(() => server.close())
  const { origin, hash } = new URL(server.address)
  const token = hash.slice(1)
  const post = { method: 'POST', body: JSON.stringify({ line: 'kill n1' }) }

  t.match(await ask(origin), { status: 200, headers: { 'content-security-policy': /default-src 'none'/ } })
  t.match(await ask(`${origin}/do`, { ...post, headers: { 'x-token': token } }), { status: 200, body: /kill n1/ })
  t.equal((await ask(`${origin}/do`, post)).status, 403, 'no token')
  t.equal((await ask(`${origin}/do`, { ...post, headers: { 'x-token': `${token}0` } })).status, 403)
  const foreign = { 'x-token': token, origin: 'http://evil.example' }
  t.equal((await ask(`${origin}/do`, { ...post, headers: foreign })).status, 403, 'a page of another origin')
  t.equal(
    (await ask(origin, { headers: { host: 'evil.example' } })).status,
    403,
    'a name that was bent to this address',
  )
  t.equal((await ask(`${origin}/events`)).status, 403)
  const own = { headers: { 'x-token': token } }
  t.equal((await ask(`${origin}/../package.json`, own)).status, 404)
  t.equal((await ask(`${origin}/do`, { ...post, body: '{"line":', ...own })).status, 400)
  t.equal(
    (await ask(`${origin}/do`, { ...post, body: JSON.stringify({ line: 'x'.repeat(99_999) }), ...own })).status,
    400,
  )
  t.equal((await ask(`${origin}/fork`, { ...post, ...own })).status, 409)
})

t.test('a page that was away hears what it missed, and no more', async (t) => {
  const feed = new Feed(true)
  for (let at = 0; at < 10; at++) feed.add({ event: 'killed', node: `n${at}`, at })
  const server = await servePage(shownOf(feed))
  t.teardown(() => server.close())
  const { origin, hash } = new URL(server.address)
  const events = `${origin}/events?token=${hash.slice(1)}`
  const all = await ask(events, { until: '"node":"n9"' })
  t.match(all.body, /event: hello\nid: .*:0\n/)
  t.match(all.body, /event: lines\nid: .*:10\n/)
  t.match(all.body, /killed: whatever it had not written/, 'with its sentence')
  const rest = await ask(events, { headers: { 'last-event-id': `${feed.run}:8` }, until: '"node":"n9"' })
  t.notMatch(rest.body, /event: hello|"node":"n7"/)
  const other = await ask(events, { headers: { 'last-event-id': 'another run:8' }, until: '"node":"n9"' })
  t.match(other.body, /event: hello(.|\n)*"node":"n0"/)
  server.show(shownOf(new Feed(true)))
})

t.test('the whole page is small, and names nothing beyond itself', async (t) => {
  const assets = readAssets()
  const bytes = [...assets.values()].reduce((sum, { zipped }) => sum + zipped.length, 0)
  t.ok(bytes <= 60 * 1024, `${bytes} bytes, compressed`)
  for (const [path, { body, type }] of assets) {
    const text = body.toString()
    if (type.startsWith('text/javascript'))
      for (const [, to] of text.matchAll(/^(?:import|export)\b[^;]*?\bfrom\s*["']([^"']+)["']/gm)) {
        const isKnown = /^preact(\/|$)/.test(to!) || assets.has(new URL(to!, `http://page${path}`).pathname)
        t.ok(isKnown, `${path} imports ${to}`)
      }
    t.notMatch(text, /(?:src|href)="https?:/, path)
  }
})

t.test('a verdict is given while a run goes on', async (t) => {
  const verdict = new RunningVerdict('absent')
  const call = (client: string, command: object, answer: object, at: number) => {
    verdict.take({ event: 'asked', client, command, to: null, at })
    return verdict.take({ event: 'outcome', client, outcome: 'done', answer: { ok: true, ...answer }, at: at + 1 })
  }
  t.match(call('c1', { command: 'set', key: 'a', value: '1' }, {}, 1), { verdict: 'linearizable' })
  t.equal(call('c1', { command: 'info' }, {}, 3), null)
  t.match(call('c2', { command: 'get', key: 'a' }, { value: null }, 5), { verdict: 'violation', key: 'a' })
  t.equal(call('c2', { command: 'get', key: 'a' }, { value: null }, 7), null, 'one violation is enough')
})
