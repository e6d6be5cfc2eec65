import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

/** A file of the page, ready to be sent. */
export interface Asset {
  readonly type: string
  readonly body: Buffer
  readonly zipped: Buffer
}

const script = 'text/javascript; charset=utf-8'
const compiled = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const source = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const packaged = (name: string) => fileURLToPath(import.meta.resolve(name))

/** Modules of this project that run in the browser too, as paths from the root. They import nothing of Node's. */
const shared = [
  'src/text.js',
  'src/trace/fold.js',
  'src/trace/picture.js',
  'src/trace/recording.js',
  'client/text/message.js',
  'client/ui/script.js',
  'client/ui/steps.js',
]
const modules = [
  'main',
  'app',
  'store',
  'talk',
  'ring',
  'geometry',
  'logs',
  'calls',
  'story',
  'sentences',
  'tape',
  'controls',
  'words',
]
const packages = { preact: 'preact.js', 'preact/hooks': 'hooks.js', 'preact/jsx-runtime': 'jsx-runtime.js' }

/** The import map, which names the modules that no path leads to. */
const importMap = JSON.stringify({
  imports: Object.fromEntries(Object.entries(packages).map(([name, file]) => [name, `/preact/${file}`])),
})

/** Allows what the page needs, and nothing else: no other origin, no script in the page but the import map. */
export const contentPolicy = [
  "default-src 'none'",
  `script-src 'self' 'sha256-${createHash('sha256').update(importMap).digest('base64')}'`,
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Reads all files of the page, each under the path by which the browser asks for it. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const page = readFileSync(source('client/dashboard/index.html'), 'utf8').replace('{ "IMPORT_MAP": 0 }', importMap)
  return new Map([
    ['/', asset('text/html; charset=utf-8', Buffer.from(page))],
    ['/style.css', asset('text/css; charset=utf-8', readFileSync(source('client/dashboard/style.css')))],
    ...[...shared, ...modules.map((name) => `client/dashboard/${name}.js`)].map(
      (path) => [`/${path}`, asset(script, withoutMap(readFileSync(compiled(path), 'utf8')))] as const,
    ),
    ...Object.entries(packages).map(
      ([name, file]) => [`/preact/${file}`, asset(script, withoutMap(readFileSync(packaged(name), 'utf8')))] as const,
    ),
  ])
}

function asset(type: string, body: Buffer): Asset {
  return { type, body, zipped: gzipSync(body) }
}

/** Leaves out the name of a source map, which is not served. */
function withoutMap(text: string): Buffer {
  return Buffer.from(text.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n'))
}
