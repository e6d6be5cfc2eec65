/** A lesson's transcripts are played on real processes, in a folder of their own. */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Script, Step } from '../../client/learn/steps.js'
import { sideBySide } from '../../client/text/side-by-side.js'
import { root } from '../docs.js'
import { Cast } from './cast.js'
import { fits, type Item, itemsOf } from './compare.js'
import { Netcat, Repl, Shell } from './terminals.js'

/** How long what is printed may take to come on a busy machine, in milliseconds. */
const patienceMs = 60_000
/** How long a command of the shell may take. */
const commandMs = 400_000
/** What a person would do again until the picture is there. */
const mayLookAgain = /^(status|log)\b/
/** Stands for any node that follows. */
const isRole = /\bfollower\b/
/** From this stage on, elections decide who leads. */
const firstElections = 6

/** A step that did not come out as printed. */
export class Deviation extends Error {
  constructor(step: Step, came: readonly string[], hint = '') {
    const head = `line ${step.line}: ${step.how} ${step.text.split('\n')[0]}${hint && ` (${hint})`}`
    super(`${head}\nprinted on the left, what came on the right:\n${sideBySide(step.expected, came, 160)}`)
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** A base port of four digits, as in the print: tables keep their widths. */
async function freeBase(): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const base = 2_000 + 10 * Math.floor(Math.random() * 480)
    const ports = [1, 2, 3, 4, 5, 6, 7].flatMap((number) => [base + number, base + 100 + number])
    if ((await Promise.all(ports.map(isFree))).every(Boolean)) return base
  }
  throw new Error('no free ports with four digits')
}

/** The connections to the client ports of a cluster: somebody who waits there has one. */
function connectionsTo(base: number): Set<string> {
  const [established, rows] = ['01', readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1)]
  const ends = rows.map((row) => row.trim().split(/\s+/))
  const ours = ends.filter(([, , remote, state]) => {
    const port = Number.parseInt(remote?.split(':')[1] ?? '', 16)
    return state === established && port > base && port < base + 10
  })
  return new Set(ours.map(([, local, remote]) => `${local} ${remote}`))
}

/** One reading of a lesson, from its first block to its last. */
class Reading {
  readonly #folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  readonly #base: number
  readonly #shell: Shell
  #cast: Cast
  #repl: Repl | null = null
  #netcat: Netcat | null = null
  #running: Step | null = null
  readonly #early: Item[] = []

  constructor(base: number, files: readonly string[]) {
    this.#base = base
    for (const name of ['dist', 'node_modules', 'package.json']) symlinkSync(join(root, name), join(this.#folder, name))
    // Readers change these: they get a copy.
    for (const name of files) cpSync(join(root, name), join(this.#folder, name), { recursive: true })
    this.#shell = new Shell(this.#folder)
    this.#cast = new Cast(true, base)
  }

  async play(steps: readonly Step[]): Promise<void> {
    try {
      for (const step of steps) {
        if (process.env.LESSON_TRACE) console.error(`# ${step.line} ${step.how} ${step.text}`)
        const before = this.#running
        await this.#step(step)
        if (before) await this.#awaitShell(before)
      }
    } finally {
      this.#netcat?.close()
      this.#shell.close()
      await this.#repl?.close()
      rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 })
    }
  }

  async #step(step: Step): Promise<void> {
    if (step.how === 'start') return this.#start(step)
    if (step.how === 'repl' || step.how === 'look') return this.#type(step)
    if (step.how === 'netcat') return this.#converse(step)
    if (step.how === 'save')
      return writeFileSync(join(this.#folder, step.text), this.#cast.typed(step.expected.join('\n')))
    if (step.how === 'listing') return this.#run(step)
    const connections = connectionsTo(this.#base)
    this.#shell.begin(this.#cast.typed(step.text))
    if (!step.runsOn) return this.#awaitShell(step)
    this.#running = step
    const until = performance.now() + patienceMs
    while ([...connectionsTo(this.#base)].every((one) => connections.has(one))) {
      // Its answer is compared all the same.
      if (performance.now() > until) break
      await this.#shell.change(performance.now() + 20)
    }
  }

  async #start(step: Step): Promise<void> {
    await this.#repl?.close()
    const [, stage = 'latest', options = ''] = /^npm (?:run stage (\d+|etcd)|start)(?: -- (.*))?$/.exec(step.text)!
    this.#early.length = 0
    this.#cast = new Cast(Number(stage) < firstElections, this.#base)
    const args = ['run', stage, '--base-port', String(this.#base), ...options.split(' ').filter(Boolean)]
    this.#repl = new Repl(args, this.#folder)
    await this.#comes(step, () => this.#repl!.isReady, [])
    if (step.expected.length > 0) await this.#type({ ...step, how: 'look' })
  }

  async #comes(step: Step, condition: () => boolean, printed: readonly string[]): Promise<void> {
    const repl = this.#repl!
    const until = performance.now() + patienceMs
    // A condition that holds changes who plays whom: it is asked no second time.
    let holds = condition()
    while (!holds && !repl.isClosed && (await repl.change(until))) holds = condition()
    if (holds) return
    const before = this.#early.map((item) =>
      typeof item === 'object' && 'text' in item ? `(before) ${item.text}` : '',
    )
    throw new Deviation({ ...step, expected: [...printed] }, [...before, ...repl.shown], 'waited in vain')
  }

  async #type(step: Step): Promise<void> {
    const repl = this.#repl
    if (!repl) throw new Deviation(step, [], 'no stage runs here')
    // Before the first line there is a banner, and who knows what else.
    const printed: Item[] = [...(step.how === 'look' ? ['anything' as const] : []), ...itemsOf(step.expected)]
    this.#cast.isOpen = isRole.test(step.text)
    const isDone = () => repl.isReady && fits(printed, itemsOf(repl.shown), this.#cast, this.#early)
    if (step.how === 'look') return this.#comes(step, isDone, step.expected)
    const line = this.#cast.typed(step.text)
    const until = performance.now() + patienceMs
    repl.type(line)
    while (mayLookAgain.test(line)) {
      await this.#comes(step, () => repl.isReady, step.expected)
      if (isDone()) return
      if (performance.now() > until) break
      await repl.change(performance.now() + 200)
      repl.type(line)
    }
    return this.#comes(step, isDone, step.expected)
  }

  async #awaitShell(step: Step): Promise<void> {
    this.#running = null
    const came = await this.#shell.end(commandMs)
    if (!came) throw new Deviation(step, this.#shell.written, 'it does not end')
    if (!fits(itemsOf(step.expected), itemsOf(came), this.#cast)) throw new Deviation(step, came)
  }

  /** A command whose output is not printed has to end well; a scenario may find its stage unsafe. */
  async #run(step: Step): Promise<void> {
    this.#shell.begin(`${this.#cast.typed(step.text)} || echo "exit code $?"`)
    const came = await this.#shell.end(commandMs)
    const isUnsafe = step.text.includes(' scenario ') && came?.at(-1) === 'exit code 1'
    if (!came || (came.at(-1)?.startsWith('exit code') && !isUnsafe))
      throw new Deviation(step, came ?? this.#shell.written)
  }

  /** Lines that are typed, and after each the line that answers it. */
  async #converse(step: Step): Promise<void> {
    if (step.text !== '') {
      const [, host, port] = this.#cast.typed(step.text).split(' ')
      this.#netcat = new Netcat(this.#folder, `${host}:${port}`)
    }
    for (let at = 0; at + 1 < step.expected.length; at += 2) {
      const answer = await this.#netcat!.ask(step.expected[at]!, patienceMs)
      const printed = { ...step, text: step.expected[at]!, expected: [step.expected[at + 1]!] }
      if (!fits(itemsOf(printed.expected), itemsOf([answer ?? '']), this.#cast))
        throw new Deviation(printed, [answer ?? ''])
    }
  }
}

/** Plays a lesson once. @throws Deviation at the first step that does not come out as printed */
export async function play(script: Script): Promise<void> {
  await new Reading(await freeBase(), ['stages', 'src/proof/scenario/scripts']).play(script.steps)
}
