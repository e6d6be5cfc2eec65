/** The two terminals of a lesson: the REPL of a running stage, and a shell beside it. */
import type { ChildProcess } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bare, main } from '../helpers/running.js'
import { Screen } from './screen.js'

/** So wide that no line of a lesson wraps. */
const columns = 500

/** Something that changes, and that can be waited for. */
class Changing {
  #watchers: (() => void)[] = []

  protected changed(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  /** The next change, or the end of so much time. @returns whether there was time left */
  change(untilMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), Math.max(0, untilMs - performance.now()))
      this.#watchers.push(() => {
        clearTimeout(timer)
        resolve(true)
      })
    })
  }
}

/** A stage that runs at a terminal. */
export class Repl extends Changing {
  readonly #child: ChildProcess
  readonly #screen = new Screen()
  /** The line where the last one was typed, or -1. */
  #typedAt = -1
  isClosed = false

  constructor(args: readonly string[], folder: string) {
    super()
    const command = ['exec', process.execPath, main, ...args].map((word) => `'${word}'`).join(' ')
    const environment = { XDG_STATE_HOME: join(folder, 'state'), TERM: 'xterm' }
    const inside = `cd '${folder}' && stty cols ${columns} rows 50 && ${command.replace("'exec'", 'exec')}`
    this.#child = bare('script', ['-qec', inside, '/dev/null'], environment)
    this.#child.stdout!.setEncoding('utf8').on('data', (text: string) => {
      this.#screen.write(text)
      this.changed()
    })
    this.#child.once('close', () => {
      this.isClosed = true
      this.changed()
    })
  }

  /** Whether it waits for a line. */
  get isReady(): boolean {
    const { lines } = this.#screen
    return lines.length - 1 > this.#typedAt && /^(\d+-[a-z-]+|etcd)>$/.test(lines.at(-1)!)
  }

  /** What came since the last line was typed, without its echo and the prompt. */
  get shown(): string[] {
    return this.#screen.lines.slice(Math.max(0, this.#typedAt)).filter((line) => !/^(\d+-[a-z-]+|etcd)>/.test(line))
  }

  type(line: string): void {
    this.#typedAt = this.#screen.lines.length - 1
    this.#child.stdin!.write(`${line}\r`)
  }

  /** Ends it as Ctrl-D does. */
  async close(): Promise<void> {
    const until = performance.now() + 20_000
    if (!this.isClosed) this.#child.stdin!.write('\u0004')
    while (!this.isClosed && (await this.change(until)));
    if (!this.isClosed) this.#child.kill('SIGKILL')
  }
}

/** A program that reads lines and answers with lines. */
class Piped extends Changing {
  readonly child: ChildProcess
  protected text = ''
  isClosed = false

  constructor(command: string, args: readonly string[], environment: NodeJS.ProcessEnv) {
    super()
    this.child = bare(command, args, environment)
    for (const stream of [this.child.stdout!, this.child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        this.text += text
        this.changed()
      })
    }
    this.child.once('close', () => {
      this.isClosed = true
      this.changed()
    })
  }
}

/** Marks the end of a command's output. */
const mark = '\u001e'

/** A shell that remembers its functions, in a lesson's folder, and finds an `nc` and an `npx`. */
export class Shell extends Piped {
  constructor(folder: string) {
    const bin = join(folder, 'bin')
    mkdirSync(bin, { recursive: true })
    // npm's own `npx` would note each lesson's folder in its cache; that it finds the program, build.test.ts shows.
    writeFileSync(join(bin, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${main}' "$@"\n`)
    chmodSync(join(bin, 'npx'), 0o755)
    const netcat = fileURLToPath(new URL('netcat.js', import.meta.url))
    // OpenBSD's netcat knows -N; where there is another one or none, ours does.
    writeFileSync(
      join(bin, 'nc'),
      `#!/bin/sh
PATH=$(echo "$PATH" | cut -d: -f2-)
if nc -h 2>&1 | grep -q '[-]N'; then exec nc "$@"; fi
exec '${process.execPath}' '${netcat}' "$@"
`,
    )
    chmodSync(join(bin, 'nc'), 0o755)
    super('bash', ['--norc'], { PATH: `${bin}:${process.env.PATH}` })
    this.child.stdin!.write(`cd '${folder}'; exec 2>&1; trap 'kill $(jobs -p) 2> /dev/null' EXIT\n`)
  }

  begin(command: string): void {
    this.text = ''
    this.child.stdin!.write(`{ ${command}\n} < /dev/null\nprintf '${mark}'\n`)
  }

  /** @returns the lines that the command wrote, or null if it has not ended within so much time */
  async end(withinMs: number): Promise<string[] | null> {
    const until = performance.now() + withinMs
    while (!this.text.includes(mark)) if (this.isClosed || !(await this.change(until))) return null
    const lines = this.text.slice(0, this.text.indexOf(mark)).split('\n')
    return lines.at(-1) === '' ? lines.slice(0, -1) : lines
  }

  get written(): string[] {
    return this.text.split('\n')
  }

  close(): void {
    if (!this.isClosed) this.child.kill('SIGTERM')
    this.child.stdin!.end()
  }
}

/** A netcat into which somebody types. */
export class Netcat extends Piped {
  constructor(folder: string, address: string) {
    super(join(folder, 'bin', 'nc'), address.split(':'), { PATH: `${join(folder, 'bin')}:${process.env.PATH}` })
  }

  /** @returns the line that answers, or null if none does */
  async ask(line: string, withinMs: number): Promise<string | null> {
    this.text = ''
    this.child.stdin!.write(`${line}\n`)
    const until = performance.now() + withinMs
    while (!this.text.includes('\n')) if (this.isClosed || !(await this.change(until))) return null
    return this.text.trimEnd()
  }

  close(): void {
    this.child.kill('SIGTERM')
  }
}
