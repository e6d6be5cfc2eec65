/**
 * `npm run coverage`: which branches of the compiled code the tests take that run it in their own process. Each branch
 * of a rule (`stages/`) is taken, or stands in `coverage-gaps.ts` with a reason; `src/` and `client/` have a floor.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { gaps } from './coverage-gaps.js'
import { root } from './docs.js'
import { runTests } from './helpers/test-runs.js'

/** The least part of the branches of each floor, in percent: a little less than was measured. */
const least = { src: 93, client: 70 }

/** Tests that run the code in their own process: one that is killed would write nothing down. */
const isInProcess = (path: string) =>
  [
    /^(stages|network|storage)\//,
    /^client\/(commands|connecting|events|follow-leader|learn-members|library|repl-log|status|strange-words|words|wrapped)\./,
    /^(entries|founding|full-disk|invariants|linearizability|linearizability-history|linearizability-random|node|refounding|scenario-play|scenarios)\./,
    /^(simulation|snapshot-sections|stage|state-machine|text)\./,
  ].some((these) => these.test(path))

function testsToRun(): string[] {
  const all = readdirSync(join(root, 'dist/test'), { recursive: true, encoding: 'utf8' })
  return all.filter((path) => path.endsWith('.test.js') && isInProcess(path)).map((path) => join('dist/test', path))
}

interface Branch {
  /** A path from the root. */
  readonly file: string
  readonly line: number
  /** The text of the branch, from its beginning to the end of the line. */
  readonly code: string
  readonly isTaken: boolean
}

/** The part of c8's report about a file that is read here. */
interface Covered {
  readonly path: string
  readonly branchMap: Readonly<Record<string, { locations: { start: { line: number; column: number } }[] }>>
  readonly b: Readonly<Record<string, number[]>>
}

/** Collects the branches of all compiled files. @param data the folder into which the tests' processes wrote */
function branches(data: string): Branch[] {
  const c8 = createRequire(import.meta.url).resolve('c8/bin/c8.js')
  const to = join(data, 'report')
  const floors = ['stages', 'src', 'client'].flatMap((floor) => ['--include', `dist/${floor}/**`])
  const args = [c8, 'report', '--temp-directory', data, '--reporter', 'json', '--reports-dir', to]
  const { status } = spawnSync(process.execPath, [...args, '--all', '--src', 'dist', ...floors], {
    cwd: root,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error('c8 made no report')
  const covered = JSON.parse(readFileSync(join(to, 'coverage-final.json'), 'utf8')) as Record<string, Covered>
  return Object.values(covered).filter(runs).flatMap(branchesOf)
}

/** Checks whether anything of a file runs: a file of types compiles to nothing. */
const runs = ({ path }: Covered) =>
  !/^export \{\};?$/m.test(readFileSync(join(root, 'dist', relative(root, path)).replace(/\.ts$/, '.js'), 'utf8'))

function branchesOf({ path, branchMap, b }: Covered): Branch[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  return Object.entries(branchMap).flatMap(([id, { locations }]) =>
    locations.map(({ start: { line, column } }, at) => ({
      ...{ file: relative(root, path), line, isTaken: b[id]![at]! > 0 },
      code: lines[line - 1]!.slice(column).trim(),
    })),
  )
}

/** Complains about a branch of a rule that is not taken without a reason, and about a reason without such a branch. */
function complaints(untaken: readonly Branch[]): string[] {
  const rules = untaken.filter(({ file }) => file.startsWith('stages/'))
  const isOf = (gap: (typeof gaps)[number], { file, code }: Branch) => gap.file === file && code.startsWith(gap.code)
  const unexplained = rules.filter((branch) => !gaps.some((gap) => isOf(gap, branch)))
  const needless = gaps.filter((gap) => rules.filter((branch) => isOf(gap, branch)).length !== 1)
  return [
    ...unexplained.map(({ file, line, code }) => `no test takes ${file}:${line}: ${code}`),
    ...needless.map(({ file, code }) => `coverage-gaps.ts explains what is taken, or is there twice: ${file}: ${code}`),
  ]
}

/** Prints the part of its branches that each floor has taken. @returns complaints about floors with too few */
function describeFloors(all: readonly Branch[]): string[] {
  return ['stages', 'src', 'client'].flatMap((floor) => {
    const own = all.filter(({ file }) => file.startsWith(`${floor}/`))
    const taken = own.filter(({ isTaken }) => isTaken).length
    const percent = (100 * taken) / own.length
    console.log(`${floor}/: ${taken} of ${own.length} branches, ${percent.toFixed(2)} %`)
    const floorPercent = least[floor as keyof typeof least] ?? 0
    return percent < floorPercent ? [`${floor}/: less than ${floorPercent} % of its branches`] : []
  })
}

/** Prints what the tests took. @returns whether it is enough */
function report(data: string): boolean {
  const all = branches(data)
  const found = [...describeFloors(all), ...complaints(all.filter(({ isTaken }) => !isTaken))]
  for (const complaint of found) console.log(`✘ ${complaint}`)
  console.log(`${gaps.length} branches of stages/ are not taken, each with its reason in test/coverage-gaps.ts`)
  return found.length === 0
}

const data = mkdtempSync(join(tmpdir(), 'coverage-'))
try {
  const { failed } = await runTests(testsToRun(), { NODE_V8_COVERAGE: data })
  process.exitCode = report(data) && failed === 0 ? 0 : 1
} finally {
  rmSync(data, { recursive: true, force: true })
}
