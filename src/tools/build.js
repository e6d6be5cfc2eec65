/**
 * The build compares its sources with those of the last whole build, and compiles only if they differ.
 *
 * It is plain JavaScript, because it runs before anything is built. Contents are compared, not times: a branch that is
 * checked out and back, or a copy of the folder, needs no new build.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../', import.meta.url))
const out = join(root, 'dist')
/** The mark of a whole build: the fingerprint of what it was made from. */
const mark = join(out, '.built-from')
/** What tsc remembers of its last runs; without it, tsc compiles everything. */
const memories = [join(out, '.tsbuildinfo'), join(out, '.tsbuildinfo-dashboard')]
/** Programs that tsc compiles: the page in the browser has libraries of its own. */
const programs = ['.', 'client/dashboard'].filter((path) => existsSync(join(root, path, 'tsconfig.json')))
const settings = [
  'tsconfig.json',
  'client/dashboard/tsconfig.json',
  'package.json',
  'package-lock.json',
  'node_modules/.package-lock.json',
]
const { include } = JSON.parse(readFileSync(join(root, 'tsconfig.json'), 'utf8'))

/** Files below a folder, as paths from the root. @param {string} folder @returns {string[]} */
function filesBelow(folder) {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort()
}

const sources = include.flatMap(filesBelow).filter((/** @type {string} */ path) => /\.(tsx?|proto)$/.test(path))
const outputOf = (/** @type {string} */ source) => join('dist', source.replace(/\.tsx?$/, '.js'))
const outputs = new Set(sources.filter((/** @type {string} */ path) => /\.tsx?$/.test(path)).map(outputOf))

/** The names and contents of all that a build is made from. */
function fingerprint() {
  const hash = createHash('sha256').update(process.version)
  for (const path of [...settings, ...sources]) {
    const content = existsSync(join(root, path)) ? readFileSync(join(root, path)) : ''
    hash.update(`\n${path}\n${content.length}\n`).update(content)
  }
  return hash.digest('hex')
}

/** Removes what was made from sources that are there no more: the tests of a removed file would still run. */
function removeLeftovers() {
  for (const path of filesBelow('dist')) {
    const made = /^(.*?)(\.d\.ts|\.js\.map|\.js)$/.exec(path)
    if (made && !outputs.has(`${made[1]}.js`)) rmSync(join(root, path))
  }
}

const areMade = () => [...outputs].every((path) => existsSync(join(root, path)))

/** Runs tsc to its end. @returns {number} its exit code */
function compile() {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  for (const program of programs) {
    const { status } = spawnSync(process.execPath, [tsc, '-p', join(root, program)], { stdio: ['ignore', 2, 2] })
    if (status !== 0) return status ?? 1
  }
  return 0
}

/** @returns {number} an exit code */
function build() {
  removeLeftovers()
  const code = compile()
  if (code !== 0 || areMade()) return code
  // An output that somebody removed is not made again as long as tsc remembers to have made it.
  for (const one of memories) rmSync(one, { force: true })
  return compile()
}

const wanted = fingerprint()
const last = existsSync(mark) ? readFileSync(mark, 'utf8') : null
if (!existsSync(join(root, 'node_modules', 'typescript'))) {
  console.error('TypeScript is not installed here, so nothing can be built: run `npm ci` first')
  process.exitCode = 1
} else if (last !== wanted || !areMade()) {
  const what = existsSync(memories[0])
    ? 'what has changed, which takes 5 to 20 s'
    : 'everything, which takes about 20 s'
  console.error(`building ${what} on two cores…`)
  const began = performance.now()
  rmSync(mark, { force: true })
  const code = build()
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  if (code === 0) {
    mkdirSync(out, { recursive: true })
    writeFileSync(mark, wanted)
  }
  console.error(
    code === 0 ? `built in ${seconds} s` : `the build failed after ${seconds} s; tsc says above what is wrong`,
  )
  // nodemon takes 2, which is what tsc ends with, for a mistake in its own command, and gives up.
  process.exitCode = code === 0 ? 0 : 1
}
