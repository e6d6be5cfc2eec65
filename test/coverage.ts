/** `npm run coverage`: which branches of the compiled rules (`stages/`) their tests, the simulator and the scenarios reach. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './docs.js'
import { runTests } from './helpers/test-runs.js'

/** The least part of all branches, in percent. */
const least = 98

/** Tests that run rules in this process: a process that is killed would write nothing down. */
const isOfRules = (path: string) =>
  /^(stages\/|client\/(learn-members|follow-leader)|(simulation|scenarios|refounding|founding|node|stage)\.)/.test(path)

function testsToRun(): string[] {
  const all = readdirSync(join(root, 'dist/test'), { recursive: true, encoding: 'utf8' })
  return all.filter((path) => path.endsWith('.test.js') && isOfRules(path)).map((path) => join('dist/test', path))
}

/** Prints what was reached, as c8 has it. @returns whether it is enough */
function report(data: string): boolean {
  const c8 = createRequire(import.meta.url).resolve('c8/bin/c8.js')
  const files = ['--all', '--src', 'dist/stages', '--include', 'dist/stages/**', '--skip-full']
  const floor = ['--check-coverage', '--lines', '0', '--branches', String(least)]
  const args = [c8, 'report', '--temp-directory', data, '--reporter', 'text', ...files, ...floor]
  return spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' }).status === 0
}

const data = mkdtempSync(join(tmpdir(), 'coverage-'))
try {
  const { failed } = await runTests(testsToRun(), { NODE_V8_COVERAGE: data })
  process.exitCode = report(data) && failed === 0 ? 0 : 1
} finally {
  rmSync(data, { recursive: true, force: true })
}
