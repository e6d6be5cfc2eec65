/** A node inside a program leaves the program alone. */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { root } from '../docs.js'
import { counting, peersOf } from './nodes.js'

/** Files that a module reaches by its imports, those that it loads later included. */
function reached(path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  const text = readFileSync(path, 'utf8')
  for (const [, to] of text.matchAll(/(?:from|import\()\s*'(\.[^']+)\.js'/g))
    reached(resolve(dirname(path), `${to}.ts`), seen)
  return seen
}

t.test('no file of the library ends the process, takes its signals, or writes to its console', async (t) => {
  const meddles = /process\.(exit|on|once|stdout|stderr|emitWarning)\b|\bconsole\./
  const files = [...reached(join(root, 'client/raft/index.ts')), ...reached(join(root, 'client/raft/simulation.ts'))]
  t.ok(files.length > 100 && files.some((path) => path.endsWith('src/node.ts')), `${files.length} files`)
  for (const path of files)
    t.notMatch(readFileSync(path, 'utf8').replaceAll(/\/\*.*?\*\//gs, ''), meddles, path.slice(root.length))
})

t.test('many calls with one signal, and many that wait for a leader, cause no warning', async (t) => {
  const warnings: Error[] = []
  const hear = (warning: Error) => void warnings.push(warning)
  process.on('warning', hear)
  t.teardown(() => process.off('warning', hear))
  const [node] = await counting(t, await peersOf(1))
  const { signal } = new AbortController()
  const calls = Array.from({ length: 50 }, () => node!.propose({ add: 1 }, { signal }))
  const waits = Array.from({ length: 50 }, () => node!.untilLeader({ signal }))
  await Promise.all([...calls, ...waits])
  t.same(warnings, [])
})
