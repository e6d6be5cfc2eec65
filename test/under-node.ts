/**
 * `npm run test:node -- 22 [cluster/ metrics …]`: the tests under another release of Node, which the npm package `node`
 * has. The command line and every node that a test starts run under it as well.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './docs.js'

const [release = '', ...words] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(release)) {
  console.error('which release? npm run test:node -- 22, or -- 24.1.0 with words of the paths of some tests')
  process.exit(2)
}
// In a folder of its own, where npx finds no package of this project in the place of that one.
const folder = join(tmpdir(), 'raft-roadmap-other-node')
mkdirSync(folder, { recursive: true })
const asked = ['--yes', `--package=node@${release}`, '--', 'node', '-p', 'process.execPath']
const node = execFileSync('npx', asked, { cwd: folder, encoding: 'utf8' }).trim()
console.log(`under ${execFileSync(node, ['--version'], { encoding: 'utf8' }).trim()}`)
const { status } = spawnSync(node, [join(root, 'dist/test/all.js'), ...words], { stdio: 'inherit', cwd: root })
process.exitCode = status ?? 1
