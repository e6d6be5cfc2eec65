import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import ndjson from 'ndjson'
import type { Test } from 'tap'
import { type Happened, Happenings } from './happened.js'

/** The command line, as compiled. */
export const main = fileURLToPath(new URL('../../client/main.js', import.meta.url))

/**
 * Runs a program as a person would, without what the test runner puts into its children. The channel ends with this
 * process, however it ends, and `run` with the channel.
 */
export function bare(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const {
    NODE_OPTIONS: _options,
    NODE_EXTRA_CA_CERTS: _certificates,
    NO_COLOR: _none,
    FORCE_COLOR: _some,
    ...rest
  } = process.env
  return spawn('env', ['-u', 'NODE_OPTIONS', command, ...args], {
    env: { ...rest, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
  })
}

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line to its end. */
export async function cli(args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return finish(bare(process.execPath, [main, ...args], env), input)
}

export async function finish(child: ChildProcess, input = ''): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  child.stdin!.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}

export interface RunningNode {
  readonly id: string
  readonly pid: number
  readonly client: string
  readonly peer: string
}

/** Events that answer a line of fault words. */
const answers: ReadonlySet<string> = new Set([
  ...['killed', 'ended', 'restarted', 'paused', 'resumed', 'cut', 'healed', 'wiped'],
  ...['unplugged', 'plugged', 'moved', 'deafened', 'lossy', 'queued', 'limited', 'resolver'],
  ...['narrowed', 'delayed', 'apart'],
  ...['refused', 'changed', 'unknown'],
])

/** A cluster of real processes, steered by fault words as a script would steer it. */
export class RunningCluster extends Happenings {
  readonly #child: ChildProcess
  nodes: RunningNode[] = []
  stderr = ''
  readonly closed: Promise<number | null>

  /**
   * @param stage its number, or `etcd`
   * @param through a command that runs the program behind it, such as one that sets a limit
   */
  constructor(t: Test, stage: number | 'etcd', args: readonly string[] = [], through: readonly string[] = []) {
    super()
    const [program = process.execPath, ...words] = [...through, process.execPath]
    this.#child = bare(program, [
      ...words,
      main,
      'run',
      String(stage),
      '--base-port',
      '0',
      '--headless',
      '--json',
      ...args,
    ])
    this.#child.stdout!.pipe(ndjson.parse()).on('data', (event: Happened) => this.happened(event))
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.closed = once(this.#child, 'close').then(([code]) => code as number | null)
    t.teardown(() => this.stop())
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** The first event, from `from` on, that fits; waits for it. @throws Error if the cluster ends before */
  override event(fits: (event: Happened) => boolean, from = 0): Promise<Happened> {
    return super.event(
      fits,
      from,
      this.closed.then((code) => `the cluster ended with ${code}: ${this.stderr}`),
    )
  }

  async ready(): Promise<this> {
    const event = await this.event(({ event }) => event === 'ready')
    this.nodes = event.nodes as RunningNode[]
    return this
  }

  /** Says fault words and waits for the event that answers them. */
  async say(line: string): Promise<Happened> {
    const from = this.events.length
    this.#child.stdin!.write(`${line}\n`)
    return this.event(({ event }) => answers.has(event), from)
  }

  node(id: string): RunningNode {
    return this.nodes.find((node) => node.id === id)!
  }

  addresses(): string[] {
    return this.nodes.map(({ client }) => client)
  }

  async stop(): Promise<number | null> {
    this.#child.kill('SIGTERM')
    return this.closed
  }
}

/** A raw connection, as `nc` makes one: bytes out, lines back. */
export class Raw {
  readonly socket: Socket
  #chunks: Buffer[] = []
  ended = false
  readonly #watchers = new Set<() => void>()

  constructor(t: Test, address: string) {
    const [host, port] = address.split(':') as [string, string]
    this.socket = connect({ host, port: Number(port), allowHalfOpen: true })
    this.socket.on('error', () => {})
    this.socket.on('data', (chunk) => {
      this.#chunks.push(chunk as Buffer)
      this.#changed()
    })
    this.socket.on('end', () => this.#ended())
    this.socket.on('close', () => this.#ended())
    t.teardown(() => this.socket.destroy())
  }

  get received(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0]!
  }

  /** Forgets what has come so far. */
  forget(): void {
    this.#chunks = []
  }

  #ended(): void {
    this.ended = true
    this.#changed()
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher()
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }

  /** Whole lines received so far. */
  lines(): unknown[] {
    const text = this.received.toString()
    return text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as unknown)
  }

  /** The first `count` lines that came back, once they have. */
  async answers(count: number): Promise<unknown[]> {
    await this.until(() => this.lines().length >= count || this.ended)
    return this.lines()
  }

  /** Frames received so far, as JSON. */
  frames(): unknown[] {
    const frames: unknown[] = []
    let at = 0
    while (this.received.length >= at + 4) {
      const length = this.received.readUInt32BE(at)
      if (this.received.length < at + 4 + length) break
      frames.push(JSON.parse(this.received.subarray(at + 4, at + 4 + length).toString()))
      at += 4 + length
    }
    return frames
  }

  async framedAnswers(count: number): Promise<unknown[]> {
    await this.until(() => this.frames().length >= count || this.ended)
    return this.frames()
  }
}

/** Whether a process is there, by asking the system. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

/** Whether a process has ended, and only waits for its parent to notice, or is gone (Linux). */
export function isZombie(pid: number): boolean {
  try {
    return /State:\s+Z/.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return true
  }
}
