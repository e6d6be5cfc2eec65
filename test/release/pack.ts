/**
 * Packs a checkout as a release that tests run beside this one: the compiled modules that `raft-roadmap node` loads,
 * without comments, and the `.proto` files. See README.md.
 */
import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import ts from 'typescript'

const [checkout, target] = process.argv.slice(2)
if (!checkout || !target) throw new Error('usage: node dist/test/release/pack.js CHECKOUT FILE.tgz')

interface Manifest {
  readonly name: string
  readonly version: string
  readonly type: string
  readonly exports: Readonly<Record<string, { readonly default: string }>>
}

const manifest = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as Manifest

/** Modules that are loaded when they are needed, and that a node needs. */
const isOfNode = (path: string) => path.startsWith('dist/src/') || path.endsWith('/commands/node.js')

/** Adds a module, and all modules that it imports. */
function visit(path: string, found: Set<string>): void {
  if (found.has(path) || !existsSync(join(checkout!, path))) return
  found.add(path)
  const text = readFileSync(join(checkout!, path), 'utf8')
  const beside = (name: string) => relative('.', join(dirname(path), name))
  for (const [, from, bare] of text.matchAll(/^(?:import|export)[^;]*?from '(\.[^']+)'|^import '(\.[^']+)'/gm))
    visit(beside((from ?? bare)!), found)
  // A module of an application imports the package by its name.
  for (const [, entry] of text.matchAll(/from 'raft-roadmap(\/[^']+)?'/g))
    visit(relative('.', manifest.exports[`.${entry ?? ''}`]!.default), found)
  for (const [, lazy] of text.matchAll(/import\('(\.[^']+)'\)/g))
    if (isOfNode(beside(lazy!))) visit(beside(lazy!), found)
}

const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-pack-'))
const put = (path: string, write: (to: string) => void) => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  write(join(folder, path))
}
const modules = new Set<string>()
visit('dist/client/main.js', modules)
for (const path of modules) {
  const text = readFileSync(join(checkout, path), 'utf8')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext, removeComments: true }
  const { outputText } = ts.transpileModule(text, { compilerOptions })
  put(path, (to) => writeFileSync(to, outputText))
}
const protos = execFileSync('find', ['stages', '-name', '*.proto'], { cwd: checkout, encoding: 'utf8' }).trim()
for (const path of protos.split('\n')) put(path, (to) => copyFileSync(join(checkout, path), to))
const { name, version, type, exports } = manifest
put('package.json', (to) => writeFileSync(to, `${JSON.stringify({ name, version, type, exports }, null, 2)}\n`))
execFileSync('tar', [
  '--sort=name',
  '--mtime=UTC 2026-01-01',
  '--owner=0',
  '--group=0',
  '--numeric-owner',
  '-czf',
  target,
  '-C',
  folder,
  '.',
])
rmSync(folder, { recursive: true, force: true })
