/**
 * `npm run coverage`: which branches of the compiled files the tests reach. Rules (`stages/`) must be reached whole, but
 * for what a comment in the code excuses; the other floors have a least part each.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './docs.js'
import { runTests } from './helpers/test-runs.js'

/** The least part of all branches, in percent. */
const floors = { stages: 100, src: 90, client: 75 }

/** Tests of whole clusters reach much that is not told: a process that is killed writes nothing. */
const isLeftOut = (path: string) => /^(cluster|lessons)/.test(path)

function testsToRun(): string[] {
  const all = readdirSync(join(root, 'dist/test'), { recursive: true, encoding: 'utf8' })
  return all.filter((path) => path.endsWith('.test.js') && !isLeftOut(path)).map((path) => join('dist/test', path))
}

/** What was reached, as c8 has it. @returns whether it is enough */
function report(data: string, folder: string, least: number): boolean {
  const c8 = createRequire(import.meta.url).resolve('c8/bin/c8.js')
  const { status } = spawnSync(
    process.execPath,
    [
      ...[c8, 'report', '--temp-directory', data, '--all', '--src', `dist/${folder}`, '--include', `dist/${folder}/**`],
      ...['--reporter', 'text', '--skip-full', '--check-coverage', '--lines', '0', '--branches', String(least)],
    ],
    { cwd: root, stdio: 'inherit' },
  )
  return status === 0
}

const data = mkdtempSync(join(tmpdir(), 'coverage-'))
try {
  const { failed } = await runTests(testsToRun(), { NODE_V8_COVERAGE: data })
  const isEnough = Object.entries(floors).map(([folder, least]) => report(data, folder, least))
  process.exitCode = failed === 0 && isEnough.every(Boolean) ? 0 : 1
} finally {
  rmSync(data, { recursive: true, force: true })
}
