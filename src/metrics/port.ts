import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Address } from '../address.js'
import type { Access } from '../network/access.js'
import { connectionLimits } from '../network/connection-limits.js'
import { Door } from '../network/door.js'

/** The pages of a node. */
export interface Pages {
  readonly contentType: string
  metrics(): Promise<string>
  /** Says why the node is not ready; null if it is. */
  unreadiness(): string | null
  /** The tokens that count; left out if none are demanded. */
  readonly access?: Access | undefined
}

/** A port for metrics and health. */
export interface MetricsPort {
  close(): Promise<void>
}

/** Milliseconds without a byte read or taken, after which a connection is ended. */
const stillMs = 10_000
const limits = {
  headersTimeout: 5_000,
  requestTimeout: stillMs,
  keepAliveTimeout: stillMs,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 8 * 1024,
}
const plain = 'text/plain; charset=utf-8'

interface Page {
  readonly status: number
  readonly type?: string
  readonly text: string
}

/** Serves the metrics and the health of a node over HTTP. Rejects as `net.Server` does, with `EADDRINUSE` among others. */
export async function openMetricsPort(address: Address, pages: Pages): Promise<MetricsPort> {
  const server = createServer(limits, (request, response) => void answer(pages, request, response))
  // A newcomer always comes in: the oldest makes room.
  const door = new Door(connectionLimits().metrics)
  server.on('connection', (socket) => {
    door.enter(socket)?.destroy()
    socket.once('close', () => door.left(socket))
  })
  server.setTimeout(stillMs)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(address, () => {
      server.removeListener('error', reject)
      server.on('error', () => {})
      resolve()
    })
  })
  // A node that does not start, or has stopped, is not kept alive by its metrics.
  server.unref()
  return {
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function answer(pages: Pages, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'GET') {
    const head = { allow: 'GET', 'content-type': plain, connection: 'close' }
    return void response.writeHead(405, head).end('GET is the only method here\n')
  }
  const { status, type = plain, text } = refused(pages, request) ?? (await pageOf(pages, request.url ?? '/'))
  const head = {
    ...(status === 401 && { 'www-authenticate': 'Bearer' }),
    ...{ 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  }
  response.writeHead(status, head).end(text)
}

/** The answer to somebody who shows no token; null if none is demanded. Whether a node lives, anybody may know. */
function refused({ access }: Pages, { url = '/', headers, socket }: IncomingMessage): Page | null {
  if (!access || pathOf(url) === '/livez') return null
  const refusal = access.refuse(headers.authorization, socket.remoteAddress)
  if (!refusal) return null
  const isOften = refusal.error.code === 'overloaded'
  return isOften ? { status: 429, text: `${refusal.error.message}\n` } : { status: 401, text: bearer }
}

const bearer = 'this page takes a token: authorization: Bearer …\n'
const pathOf = (url: string) => url.split('?', 1)[0]

async function pageOf(pages: Pages, url: string): Promise<Page> {
  switch (pathOf(url)) {
    case '/metrics':
      return metricsPage(pages)
    case '/livez':
      return { status: 200, text: 'the event loop turns\n' }
    case '/readyz': {
      const why = pages.unreadiness()
      return why === null ? { status: 200, text: 'ready\n' } : { status: 503, text: `${why}\n` }
    }
    default:
      return { status: 404, text: 'there are /metrics, /livez and /readyz\n' }
  }
}

async function metricsPage(pages: Pages): Promise<Page> {
  try {
    return { status: 200, type: pages.contentType, text: await pages.metrics() }
  } catch (error) {
    return { status: 500, text: `the metrics could not be read: ${(error as Error).message}\n` }
  }
}
