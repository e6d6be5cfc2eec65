import type { ChildProcess } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { root } from './docs.js'
import { isLong } from './helpers/effort.js'
import { bare, finish, Raw } from './helpers/running.js'

/** A folder with parts of this project; what is installed is shared with it. */
function copyOf(t: Test, parts: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** Gives the compiler less to read than the whole project. */
function include(folder: string, folders: readonly string[], options: object = {}): void {
  const path = join(folder, 'tsconfig.json')
  const settings = JSON.parse(readFileSync(path, 'utf8')) as { compilerOptions: object }
  const compilerOptions = { ...settings.compilerOptions, ...options }
  writeFileSync(path, JSON.stringify({ ...settings, compilerOptions, include: folders }))
}

const build = (folder: string) => finish(bare(process.execPath, [join(folder, 'src/tools/build.js')]))
const unchanged = { code: 0, stdout: '', stderr: '' }
const built = { code: 0, stdout: '', stderr: /^building .*…\nbuilt in [\d.]+ s\n$/ }

t.test('the build compiles what has changed, and nothing when nothing has', async (t) => {
  const folder = copyOf(t, ['package.json', 'tsconfig.json', 'src/tools/build.js'])
  include(folder, ['rules'], { types: [], lib: ['es5'] })
  mkdirSync(join(folder, 'rules'))
  const write = (name: string, text: string) => writeFileSync(join(folder, 'rules', name), text)
  const output = (name: string) => join(folder, 'dist/rules', name)
  write('one.ts', 'export const one = 1\n')
  write('two.ts', "import { one } from './one.js'\nexport const two: number = one + one\n")

  t.match(await build(folder), { ...built, stderr: /^building everything, which takes about \d+ s .*\nbuilt in/ })
  t.match(await build(folder), unchanged)
  write('one.ts', 'export const one = 1\n')
  t.match(await build(folder), unchanged, 'written again, and the same')

  write('one.ts', 'export const one = 11\n')
  t.match(await build(folder), built)
  t.match(readFileSync(output('one.js'), 'utf8'), /one = 11/)

  write('one.ts', "export const one = 'a'\n")
  t.match(await build(folder), { code: 1, stderr: /two\.ts.*error TS2322(.|\n)*the build failed after/ })
  t.match(await build(folder), { code: 1, stderr: /error TS2322/ }, 'a failed build is no build')
  write('one.ts', 'export const one = 11\n')
  t.match(await build(folder), built, 'mended')

  rmSync(join(folder, 'rules/two.ts'))
  t.match(await build(folder), built, 'a source is gone')
  t.notOk(existsSync(output('two.js')), 'what was made from it is gone, too')
  t.ok(existsSync(output('one.js')))

  rmSync(output('one.js'))
  t.match(await build(folder), built, 'an output is gone')
  t.ok(existsSync(output('one.js')))

  for (const path of ['package.json', 'tsconfig.json']) {
    writeFileSync(join(folder, path), `${readFileSync(join(folder, path), 'utf8')}\n`)
    t.match(await build(folder), built, `${path} has changed`)
  }
  write('one.proto', 'syntax = "proto3";\n')
  t.match(await build(folder), built, 'a schema has come')
  t.match(await build(folder), unchanged)

  rmSync(join(folder, 'node_modules'))
  t.match(await build(folder), {
    code: 1,
    stderr: 'TypeScript is not installed here, so nothing can be built: run `npm ci` first\n',
  })
})

/** What a program has said so far; `says` waits for the first match behind the last one. */
class Listener {
  #text = ''
  #heard = 0
  #changed = () => {}

  constructor(child: ChildProcess) {
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.#text += text
        this.#changed()
      })
    }
  }

  async says(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.#text.slice(this.#heard))
      if (found) {
        this.#heard += found.index + found[0].length
        return found
      }
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }
}

const skip = !isLong && 'compiles the whole project four times: `npm run prove` does'

t.test('npm run dev 2: a rule is edited, and the cluster restarts with it', { skip }, async (t) => {
  const parts = [
    'src',
    'stages',
    'client',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'nodemon.json',
    'dist',
  ]
  const folder = copyOf(t, parts)
  include(folder, ['src', 'stages', 'client'])
  const rule = join(folder, 'stages/2-naive-replication/redirect.ts')
  const dev = bare('timeout', [
    '900',
    'npm',
    '--prefix',
    folder,
    'run',
    '--silent',
    'dev',
    '2',
    '--',
    '--headless',
    '--base-port',
    '0',
  ])
  t.teardown(() => dev.kill('SIGTERM'))
  const said = new Listener(dev)

  const refusal = async () => {
    const [, address] = await said.says(/stage 2 is ready.*n2 (127\.0\.0\.1:\d+)/)
    const raw = new Raw(t, address!)
    raw.socket.write('{"command":"set","key":"a","value":"1"}\n')
    const [answer] = await raw.answers(1)
    return (answer as { error: { message: string } }).error.message
  }
  t.equal(await refusal(), 'n1 leads: ask there')
  writeFileSync(rule, readFileSync(rule, 'utf8').replace('leads: ask there', 'leads: go there'))
  t.equal(await refusal(), 'n1 leads: go there')

  writeFileSync(rule, `${readFileSync(rule, 'utf8')}\nexport const mistake: number = 'one'\n`)
  await said.says(/error TS2322(.|\n)*the build failed/)
  writeFileSync(
    rule,
    readFileSync(rule, 'utf8')
      .replace(/\nexport const mistake.*\n/, '')
      .replace('go there', 'to n1'),
  )
  t.equal(await refusal(), 'n1 leads: to n1', 'a build that failed is waited out')
})

t.test('`npx raft-roadmap` finds the program in a clone, without a network', async (t) => {
  const cache = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  t.teardown(() => rmSync(cache, { recursive: true }))
  const npm = { npm_config_cache: cache, npm_config_offline: 'true', npm_config_update_notifier: 'false' }
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const asked = await finish(bare('sh', ['-c', `cd '${root}' && exec npx raft-roadmap --version`], npm))
  t.match(asked, { code: 0, stdout: `${version}\n` })
})
