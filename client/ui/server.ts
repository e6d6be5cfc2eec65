import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Server as Listener } from 'node:net'
import { ConfigError } from '../../src/errors.js'
import { type Asset, contentPolicy, readAssets } from './assets.js'
import type { Feed } from './feed.js'
import { performed } from './plain.js'
import type { Hello, Performed } from './protocol.js'

/** A run as a page shows it. */
export interface Shown {
  readonly feed: Feed
  readonly hello: Omit<Hello, 'run' | 'start'>
  /** Performs a line in the words of the REPL. */
  readonly perform?: (line: string) => Promise<Performed>
  /** Replays the run to a moment, and hands it over as another run. */
  readonly fork?: (at: number) => Promise<Shown>
  /** The run from which this one was forked. */
  readonly origin?: Shown
  /** Ends the run when another one is shown in its place. */
  readonly end?: () => void
  /** Another run that is shown beside this one. */
  readonly beside?: Shown
}

/** A page that is served. */
export interface PageServer {
  /** The address with its token. */
  readonly address: string
  /** Shows another run in place of the one before; pages that are open change to it. */
  show(shown: Shown): void
  close(): Promise<void>
}

/** Bytes of a line that is posted, at most. */
const mostBytes = 64 * 1024
/** Events in one message to a page, at most. */
const mostLines = 1_000
/** Milliseconds between two signs of life to a page that has nothing to hear. */
const aliveMs = 15_000

/**
 * Serves a page on this machine alone. Its address has a token that no other page knows. A request with another `Host`
 * or `Origin` is refused: else any page in the browser could kill nodes.
 *
 * @param at its port, 0 for a free one; or a listener that is there already
 * @throws ConfigError if the port cannot be had
 */
export async function servePage(shown: Shown, at: number | Listener = 0): Promise<PageServer> {
  const server = new Pages(shown)
  await server.listen(at)
  return server
}

class Pages implements PageServer {
  readonly #assets = readAssets()
  readonly #token = randomBytes(16).toString('hex')
  readonly #server = createServer((request, response) => void this.#handle(request, response))
  readonly #open = new Set<() => void>()
  #shown: Shown
  #port = 0

  constructor(shown: Shown) {
    this.#shown = shown
  }

  get address(): string {
    return `http://127.0.0.1:${this.#port}/#${this.#token}`
  }

  async listen(at: number | Listener): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', ({ message }) => reject(new ConfigError(`the page cannot be served: ${message}`)))
      if (typeof at === 'number') this.#server.listen(at, '127.0.0.1', resolve)
      else this.#server.listen(at, resolve)
    })
    this.#port = (this.#server.address() as AddressInfo).port
  }

  show(shown: Shown): void {
    this.#shown.end?.()
    this.#shown = shown
    for (const change of this.#open) change()
  }

  async close(): Promise<void> {
    this.#shown.end?.()
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    if (!this.#isOwn(request)) return refuse(response, 403, 'this page is for its own address alone')
    const asset = this.#assets.get(pathname)
    if (request.method === 'GET' && asset) return send(request, response, asset)
    const token = request.headers['x-token'] ?? searchParams.get('token')
    if (!this.#isToken(token))
      return refuse(response, 403, 'the address lacks its token: open the one that was printed')
    const run = searchParams.has('beside') ? () => this.#shown.beside ?? this.#shown : () => this.#shown
    if (request.method === 'GET' && pathname === '/events') return this.#follow(request, response, run)
    if (request.method === 'POST' && pathname === '/do') return this.#perform(request, response)
    if (request.method === 'POST' && pathname === '/fork') return this.#fork(request, response)
    if (request.method === 'POST' && pathname === '/back') return this.#goBack(response)
    refuse(response, 404, 'there is no such thing')
  }

  /** Checks that a request is meant for this server, and comes from its own page if it comes from a page. */
  #isOwn({ headers: { host, origin } }: IncomingMessage): boolean {
    const hosts = [`127.0.0.1:${this.#port}`, `localhost:${this.#port}`]
    return hosts.includes(host ?? '') && (origin === undefined || hosts.some((own) => origin === `http://${own}`))
  }

  #isToken(token: unknown): boolean {
    const [given, own] = [Buffer.from(String(token)), Buffer.from(this.#token)]
    return given.length === own.length && timingSafeEqual(given, own)
  }

  /** Sends events as they come. A page that was away says which one it heard last, and hears what it missed. */
  #follow(request: IncomingMessage, response: ServerResponse, run: () => Shown): void {
    response.writeHead(200, { ...safety, 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const [name, heard] = String(request.headers['last-event-id'] ?? '').split(':')
    let { feed } = run()
    let next = name === feed.run && Number(heard) >= feed.recording.first ? Number(heard) : -1
    let isFull = false
    const tell = () => {
      if (feed !== run().feed || (next >= 0 && next < feed.recording.first)) next = -1
      if (next < 0) unfollow()
      while (!isFull && (next < 0 || next < feed.recording.end)) {
        if (next < 0) {
          ;({ feed } = run())
          unfollow = feed.follow(tell)
          next = feed.recording.first
          isFull = !response.write(event('hello', `${feed.run}:${next}`, helloOf(run())))
        } else {
          const lines = feed.recording.lines(next, next + mostLines)
          next += lines.length
          isFull = !response.write(event('lines', `${feed.run}:${next}`, lines))
        }
      }
    }
    let unfollow = feed.follow(tell)
    const alive = setInterval(() => response.write(':\n\n'), aliveMs).unref()
    response.on('drain', () => {
      isFull = false
      tell()
    })
    this.#open.add(tell)
    response.on('close', () => {
      unfollow()
      clearInterval(alive)
      this.#open.delete(tell)
    })
    tell()
  }

  async #perform(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { perform } = this.#shown
    if (!perform) return refuse(response, 409, 'this run is over: it can be looked at only')
    const asked = await readJson(request)
    const line = (asked as { line?: unknown } | null)?.line
    if (typeof line !== 'string') return refuse(response, 400, 'a line is missing')
    answer(response, 200, await performed(() => perform(line)))
  }

  async #fork(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { fork } = this.#shown
    const at = ((await readJson(request)) as { at?: unknown } | null)?.at
    if (!fork || typeof at !== 'number') return refuse(response, 409, 'only a seed can be forked, at a moment of it')
    this.show(await fork(at))
    answer(response, 200, { ok: true, text: 'forked' })
  }

  #goBack(response: ServerResponse): void {
    const { origin } = this.#shown
    if (!origin) return refuse(response, 409, 'this run was not forked from another one')
    this.show(origin)
    answer(response, 200, { ok: true, text: 'back at the seed' })
  }
}

function helloOf({ feed, hello }: Shown): Hello {
  return { ...hello, run: feed.run, start: feed.recording.start }
}

const safety = {
  'content-security-policy': contentPolicy,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

function send(request: IncomingMessage, response: ServerResponse, { type, body, zipped }: Asset): void {
  const isZipped = /\bgzip\b/.test(String(request.headers['accept-encoding']))
  const encoding = isZipped ? { 'content-encoding': 'gzip' } : {}
  response.writeHead(200, { ...safety, ...encoding, 'content-type': type, 'cache-control': 'no-store' })
  response.end(isZipped ? zipped : body)
}

function answer(response: ServerResponse, status: number, performed: Performed): void {
  response.writeHead(status, { ...safety, 'content-type': 'application/json' })
  response.end(JSON.stringify(performed))
}

const refuse = (response: ServerResponse, status: number, text: string) => answer(response, status, { ok: false, text })

const event = (name: string, id: string, data: unknown) =>
  `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`

/** Reads what was posted. @returns null if it is too long, or no JSON */
async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > mostBytes) return null
    parts.push(part)
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString())
  } catch {
    return null
  }
}
