import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const root = fileURLToPath(new URL('../../../', import.meta.url))
/** The release before this one; `test/release/README.md` says how it was packed. */
const lastRelease = '0.1.0'

/** Unpacks the last release, for as long as a test runs. @returns the path of its command line */
export function unpackLastRelease(t: Test): string {
  const folder = t.testdir({})
  execFileSync('tar', ['-xzf', join(root, 'test', 'release', `${lastRelease}.tgz`), '-C', folder])
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return join(folder, 'dist', 'client', 'main.js')
}
