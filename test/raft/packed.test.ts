/** The package as a stranger has it: the tarball in an empty folder, its types, and the page's examples. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t, { type Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { pagesWithExamples, root, withExamples } from '../docs.js'
import { longOnly } from '../helpers/effort.js'

/** Examples of the package, by the folders that they are in. */
const examples = {
  'client/raft/examples': ['counter.ts', 'check-counter.ts', 'shared-log.ts', 'protobuf-codec.ts'],
  'client/examples': ['ask.ts'],
  'client/server/examples': ['counter-server.ts'],
}
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

/** Runs a program to its end. @returns what it said */
function run(t: Test, cwd: string, program: string, ...rest: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, rest, { cwd, encoding: 'utf8' })
  if (status !== 0) t.fail(`${program} ${rest.join(' ')}`, { status, stdout, stderr })
  return stdout
}

const options = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  types: ['node'],
  target: 'es2022',
}
const kinds = {
  nodenext: { ...options, module: 'nodenext' },
  bundler: { ...options, module: 'esnext', moduleResolution: 'bundler', noEmit: true },
}

/** An empty folder with the tarball and the examples in it. */
function stranger(t: Test): string {
  const folder = t.testdir({ 'package.json': JSON.stringify({ name: 'stranger', private: true, type: 'module' }) })
  run(t, root, 'npm', 'pack', '--ignore-scripts', '--silent', '--pack-destination', folder)
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
  run(t, folder, 'npm', 'install', '--silent', '--prefer-offline', '--omit=optional', `./${tarball}`, '@types/node@20')
  for (const [from, names] of Object.entries(examples))
    for (const name of names) copyFileSync(join(root, from, name), join(folder, name))
  return folder
}

/** A process, and what it said so far. */
class Speaker {
  readonly lines: string[] = []
  readonly #child: ChildProcess
  #heard = () => {}
  readonly ended: Promise<number | null>

  constructor(t: Test, folder: string, words: readonly string[]) {
    this.#child = spawn(process.execPath, words, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] })
    t.teardown(() => void this.#child.kill('SIGKILL'))
    this.ended = new Promise((resolve) => void this.#child.once('exit', resolve))
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.lines.push(line)
      this.#heard()
    })
  }

  say(line: string): void {
    this.#child.stdin!.write(`${line}\n`)
  }

  /** Waits for a line. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const found = this.lines.find((line) => pattern.test(line))
      if (found !== undefined) return found
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
  }

  end(): void {
    this.#child.stdin!.end()
  }

  kill(signal: NodeJS.Signals = 'SIGKILL'): void {
    this.#child.kill(signal)
  }
}

/** Each seat is booked once, and each of the two programs has five. */
function isBooked(t: Test, said: string): void {
  const lines = said.trimEnd().split('\n')
  const seats = lines.map((line) => Number(/^seat (\d+): /.exec(line)?.[1]))
  t.same(
    seats,
    Array.from({ length: 11 }, (_, at) => at + 1),
    said,
  )
  for (const name of ['Ann', 'Ben']) t.equal(lines.filter((line) => line.endsWith(name)).length, 5, name)
}

async function counts(t: Test, folder: string): Promise<void> {
  const ids = ['n1', 'n2', 'n3']
  const start = (id: string) => new Speaker(t, folder, ['counter.js', id])
  const nodes = new Map(ids.map((id) => [id, start(id)]))
  const leader = (await nodes.get('n1')!.until(/^n\d leads/)).slice(0, 2)
  const others = ids.filter((id) => id !== leader)
  for (const id of others) await nodes.get(id)!.until(/^n\d leads/)
  nodes.get(others[0]!)!.say('5')
  await nodes.get(others[0]!)!.until(/^now 5$/)
  nodes.get(others[1]!)!.say('total')
  await nodes.get(others[1]!)!.until(/^total 5$/)
  nodes.get(leader)!.kill()
  await nodes.get(leader)!.ended
  for (const id of others) await nodes.get(id)!.until(new RegExp(`^(?!${leader})n\\d leads`))
  nodes.get(others[0]!)!.say('6')
  await nodes.get(others[0]!)!.until(/^now 11$/)
  nodes.set(leader, start(leader))
  await nodes.get(leader)!.until(/^n\d leads/)
  nodes.get(leader)!.say('total')
  await nodes.get(leader)!.until(/^total 11$/)
  for (const node of nodes.values()) node.end()
  for (const node of nodes.values()) t.equal(await node.ended, 0, 'it ends by itself when its node is closed')
}

/** Starts a cluster as a person would, without its prompt. @returns the addresses for clients, and its end */
async function cluster(t: Test, folder: string, words: readonly string[]) {
  const run = new Speaker(t, folder, [...words, '--nodes', '3', '--base-port', '0', '--headless', '--json'])
  const { nodes } = JSON.parse(await run.until(/"event":"ready"/)) as { nodes: { client: string }[] }
  const stop = async () => {
    run.kill('SIGTERM')
    t.equal(await run.ended, 0, `${words.join(' ')} ends`)
  }
  return { addresses: nodes.map(({ client }) => client).join(','), stop }
}

/** Asks with the client's example, and serves the applications. */
async function serves(t: Test, folder: string): Promise<void> {
  const main = 'node_modules/raft-roadmap/dist/client/main.js'
  const said = (...words: readonly string[]) => run(t, folder, process.execPath, ...words)
  const keyValue = await cluster(t, folder, [main, 'run', 'latest'])
  const lines = said('ask.js', keyValue.addresses).trimEnd().split('\n')
  t.same(lines.slice(0, 2), ['fruit:apple is red', 'fruit:banana is yellow'])
  t.match(lines[2], /^n\d leads n1, n2, n3$/)
  t.same(lines.slice(3), ['refused: cas_mismatch', 'aborted: nothing was done'])
  await keyValue.stop()

  const counter = await cluster(t, folder, ['counter-server.js', 'run'])
  const count = (...words: readonly string[]) =>
    said('counter-server.js', 'client', '--json', '--connect', counter.addresses, ...words)
  t.match(JSON.parse(count('add', '5')), { ok: true, total: 5 })
  t.match(JSON.parse(count('total')), { ok: true, total: 5 })
  await counter.stop()

  const vectors = await cluster(t, folder, [main, 'vectors', 'run', '--network', 'grpc'])
  const text = 'node_modules/raft-roadmap/client/applications/vectors/examples/raft.txt'
  said(main, 'vectors', 'load', 'docs', text, '--connect', vectors.addresses)
  const found = said(main, 'vectors', 'nearest', 'docs', 'ripe banana', '--k', '1', '--connect', vectors.addresses)
  t.match(found, /raft\.txt:19 /)
  await vectors.stop()
}

t.test('a stranger installs the tarball, compiles the page, and runs it', async (t) => {
  const folder = stranger(t)
  for (const [kind, compilerOptions] of Object.entries(kinds)) {
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
    t.equal(run(t, folder, process.execPath, tsc), '', kind)
    if (kind !== 'nodenext') continue
    t.match(run(t, folder, process.execPath, 'check-counter.js'), /^\d+ calls were done, and 0 faults were found\n$/)
    t.match(
      run(t, folder, process.execPath, 'protobuf-codec.js'),
      /^\d+ transfers were done, and 0 faults were found\n$/,
    )
    const base = await freeBasePort(7, '127.0.0.1')
    for (const name of ['counter.js', 'shared-log.js']) {
      const text = readFileSync(join(folder, name), 'utf8')
      const elsewhere = text.replaceAll(/:710(\d)/g, (_, last) => `:${base + Number(last)}`)
      writeFileSync(join(folder, name), elsewhere)
    }
    isBooked(t, run(t, folder, process.execPath, 'shared-log.js'))
    await counts(t, folder)
    await serves(t, folder)
  }
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'))!
  run(t, root, process.execPath, binOf('publint'), join(folder, tarball), '--strict')
  run(t, root, process.execPath, binOf('@arethetypeswrong/cli'), join(folder, tarball), '--profile', 'esm-only')
})

/** The program of a package of this project. */
function binOf(name: string): string {
  const folder = join(root, 'node_modules', name)
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>
  }
  return join(folder, typeof bin === 'string' ? bin : Object.values(bin)[0]!)
}

t.test('the pages show the examples as they are: `npm run docs` writes them', async (t) => {
  for (const name of pagesWithExamples) {
    const page = readFileSync(join(root, name), 'utf8')
    t.equal(withExamples(page), page, name)
  }
})

t.test('the reference of all types is written without a warning', longOnly, async (t) => {
  t.match(run(t, root, process.execPath, binOf('typedoc'), '--out', t.testdir({})), /html generated/)
})
