import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { isAlive } from './running.js'

/** The way of a packet, as one host sees it. */
export type Way = 'incoming' | 'outgoing'

/** Names of namespaces begin with this, and with the process that made them. */
const prefix = 'rr'
let made = 0

/** Signals that would end this process before it had removed anything. */
const signals = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const
const exit = () => process.exit(1)

/** The options of a test that needs network namespaces: it says that it did not run where they cannot be made. */
export const namespacesOnly = { skip: obstacle() ?? false } as const

/** Why no namespaces can be made here; null if they can. */
function obstacle(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are a thing of Linux'
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  for (const [tool, option] of [
    ['ip', '-V'],
    ['ss', '-V'],
    ['nft', '-v'],
  ] as const) {
    if (spawnSync(tool, [option]).error) return `${tool} is missing: apt-get install iproute2 nftables`
  }
  const name = `${prefix}${process.pid}-try`
  const tried = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8' })
  spawnSync('ip', ['netns', 'del', name])
  return tried.status === 0 ? null : `no network namespace can be made: ${tried.stderr.trim()}`
}

/** Runs a program to its end. @throws Error with what it said, if it failed */
function run(command: string, args: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { input, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}\n${input}`)
  return stdout
}

/**
 * Hosts of their own, each a network namespace with one cable to a common switch. Packets are lost in the kernel: what
 * runs on the hosts is told of nothing. The hosts and whatever runs on them end with the test, and with its process.
 */
export class Hosts {
  readonly #switch: string
  readonly #names: ReadonlyMap<string, string>
  readonly #children = new Set<ChildProcess>()

  constructor(t: Test, ids: readonly string[]) {
    sweep()
    const name = (id: string) => `${prefix}${process.pid}-${made}-${id}`
    this.#switch = name('switch')
    this.#names = new Map(ids.map((id) => [id, name(id)]))
    made++
    const remove = () => this.#remove()
    process.on('exit', remove)
    for (const signal of signals) process.on(signal, exit)
    t.teardown(async () => {
      await this.#end()
      this.#remove()
      process.removeListener('exit', remove)
      for (const signal of signals) process.removeListener(signal, exit)
    })
    this.#build()
  }

  #build(): void {
    const hosts = [...this.#names]
    run('ip', ['-batch', '-'], [this.#switch, ...this.#names.values()].map((name) => `netns add ${name}\n`).join(''))
    const cables = hosts.map(
      ([id, name]) => `link add ${id} type veth peer name eth0 netns ${name}\nlink set ${id} master br0 up\n`,
    )
    run('ip', ['-n', this.#switch, '-batch', '-'], `link add br0 type bridge\nlink set br0 up\n${cables.join('')}`)
    for (const [id, name] of hosts) {
      const setup = `link set lo up\nlink set eth0 up\naddr add ${this.address(id)}/24 dev eth0\n`
      run('ip', ['-n', name, '-batch', '-'], setup)
    }
  }

  address(id: string): string {
    return `10.77.0.${[...this.#names.keys()].indexOf(id) + 1}`
  }

  /** Starts a program on a host, with a channel to this process. */
  spawn(id: string, command: string, args: readonly string[]): ChildProcess {
    const { NODE_OPTIONS: _options, NODE_EXTRA_CA_CERTS: _certificates, ...env } = process.env
    const child = spawn('ip', ['netns', 'exec', this.#name(id), command, ...args], {
      env,
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    })
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return child
  }

  /** Loses the packets of a host that go one way, or both; those alone that match, in the words of nftables. */
  lose(id: string, ways: readonly Way[] = ['incoming', 'outgoing'], match: readonly string[] = ['']): void {
    const hook = { incoming: 'input', outgoing: 'output' }
    const chains = ways.map((way) => {
      const rules = match.map((one) => `${one} drop`).join('; ')
      return `chain ${way} { type filter hook ${hook[way]} priority 0; ${rules}; }`
    })
    this.#filter(id, `flush ruleset\ntable ip faults {\n${chains.join('\n')}\n}\n`)
  }

  /** Lists a host's connections that stand, each with its port here and there. */
  connections(id: string): (readonly [own: string, other: string])[] {
    const listed = run('ip', ['netns', 'exec', this.#name(id), 'ss', '-tnH', 'state', 'established'])
    return [...listed.matchAll(/:(\d+)\s+\S+:(\d+)\s*$/gm)].map(([, own, other]) => [own!, other!] as const)
  }

  /**
   * Loses all packets of a host's present connections, as a firewall on the way does that has forgotten them. New
   * connections can be made.
   */
  loseConnections(id: string): void {
    const matches = this.connections(id).flatMap(([own, other]) => [
      `tcp sport ${own} tcp dport ${other}`,
      `tcp sport ${other} tcp dport ${own}`,
    ])
    if (matches.length === 0) throw new Error(`${id} has no connections`)
    this.lose(id, ['incoming', 'outgoing'], matches)
  }

  /** Loses nothing more on a host. */
  heal(id: string): void {
    this.#filter(id, 'flush ruleset\n')
  }

  #filter(id: string, script: string): void {
    run('ip', ['netns', 'exec', this.#name(id), 'nft', '-f', '-'], script)
  }

  #name(id: string): string {
    const name = this.#names.get(id)
    if (name === undefined) throw new Error(`no host ${id}`)
    return name
  }

  async #end(): Promise<void> {
    const running = [...this.#children].filter((child) => child.exitCode === null && child.signalCode === null)
    const ended = running.map((child) => once(child, 'close'))
    for (const child of running) child.kill('SIGKILL')
    await Promise.all(ended)
  }

  #remove(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const name of [this.#switch, ...this.#names.values()]) spawnSync('ip', ['netns', 'del', name])
  }
}

/** Removes what a process left behind that was killed. Its children have ended: their channel to it broke. */
function sweep(): void {
  for (const line of run('ip', ['netns', 'list']).split('\n')) {
    const [, name, pid] = new RegExp(`^(${prefix}(\\d+)-\\S+)`).exec(line) ?? []
    if (name && !isAlive(Number(pid))) spawnSync('ip', ['netns', 'del', name])
  }
}
