import { parseAddress } from '../../../src/address.js'
import type { Answer, Command, Member, NodeId, Outcome, Status } from '../../../src/contracts.js'
import { isObject } from '../../../src/contracts.js'
import type { Delay } from '../../../src/network/faults.js'
import { keptOf } from '../../../src/proof/scenario/compaction.js'
import type { Driver, Kept, Look, Place, Raw, RawConnection } from '../../../src/proof/scenario/scenario.js'
import { type Fault, formatFault } from '../../../src/server/faults.js'
import type { Stage } from '../../../src/stage.js'
import { UsageError } from '../../text/words.js'
import { HandClient, type Seen } from './hand-client.js'

/** Shows a person one thing to do. */
export type Show = (what: string) => void
/** Reads a line of what came back; null when no more lines come. */
export type Read = (question: string) => Promise<string | null>

/** Signals to a node's process that do the supervisor's fault words. */
const signals: Readonly<Record<string, string>> = { kill: '-9', stop: '-TERM', pause: '-STOP', resume: '-CONT' }

/**
 * A driver that is a person, who does by hand what the script says, to a cluster started elsewhere, and types what came
 * back.
 */
export class Hands implements Driver {
  readonly name = 'real'
  readonly place = 'by hand'
  /** Rounds of a repeated step at most: a person who has done it three times has seen it. */
  readonly mostRounds = 3
  readonly nodes: readonly NodeId[]
  readonly accidents: readonly string[] = []
  readonly #stage: Stage
  readonly #members: readonly Member[]
  readonly #show: Show
  readonly #read: Read
  readonly #clients = new Map<string, HandClient>()
  readonly #silent = new Set<NodeId>()
  /** The end of the steps so far: a person does one step after another. */
  #queue: Promise<void> = Promise.resolve()

  constructor(stage: Stage, members: readonly Member[], show: Show, read: Read) {
    this.#stage = stage
    this.#members = members
    this.#show = show
    this.#read = read
    this.nodes = members.map(({ id }) => id)
  }

  async perform(fault: Fault): Promise<void> {
    const signal = signals[fault.word]
    const or = signal === undefined ? '' : `   (or \`kill ${signal} PID\`, where \`status\` tells the PID)`
    this.#show(`where the cluster runs, type: ${formatFault(fault)}${or}`)
    if (fault.word === 'kill' || fault.word === 'stop' || fault.word === 'pause')
      for (const node of fault.nodes) this.#silent.add(node)
    if (fault.word === 'restart' || fault.word === 'resume') for (const node of fault.nodes) this.#silent.delete(node)
  }

  async delay(delay: Delay): Promise<void> {
    if (delay) this.#show('(messages ought to be slow here, which hands cannot do: it may go well by luck)')
  }

  async wait(ms: number): Promise<void> {
    this.#show(`wait ${ms / 1000} s`)
  }

  /** Never called: only a load needs it, see {@link hangUp}. */
  after(): void {}

  now(): number {
    return performance.now()
  }

  call(client: string, command: Command, at: NodeId | null, settle: (outcome: Outcome) => void): void {
    const pinned = at === null ? undefined : this.address(at).client
    this.#queue = this.#queue.then(async () => settle(await this.#client(client).call(command, pinned)))
  }

  #client(name: string): HandClient {
    const known = this.#clients.get(name)
    if (known) return known
    let last: { readonly command: Command; readonly address: string } | null = null
    const addresses = this.#members.map(({ client }) => client)
    const client = new HandClient(this.#stage, addresses, (command, address) => {
      if (command === last?.command && address !== last.address)
        this.#show(`that sends ${name} on to ${this.#named(address)}`)
      last = { command, address }
      return this.#request(`${name}: `, command, address)
    })
    this.#clients.set(name, client)
    return client
  }

  #named(address: string): string {
    return this.#members.find(({ client }) => client === address)?.id ?? address
  }

  async #request(who: string, command: Command, address: string): Promise<Seen> {
    const { host, port } = parseAddress(address)!
    const json = JSON.stringify(command).replaceAll("'", "'\\''")
    this.#show(`${who}printf '%s\\n' '${json}' | nc -N -w 1 ${host} ${port}`)
    for (;;) {
      const line = (
        await this.#line('what came back ("refused" if nc could not connect, nothing if nothing did)')
      ).trim()
      if (line === '') return 'nothing'
      if (line === 'refused') return 'refused'
      const answer = parseAnswer(line)
      if (typeof answer?.ok === 'boolean' && (answer.ok || isObject(answer.error))) return answer as Answer
      this.#show('that is no answer of a node: it is a line such as {"ok":true}')
    }
  }

  /** Asks a node a question of the scenario's own; null if it does not answer. */
  async #answer(node: NodeId, command: Command): Promise<Record<string, unknown> | null> {
    const seen = await this.#request(`${node}: `, command, this.address(node).client)
    return typeof seen === 'object' && seen.ok ? seen : null
  }

  async #line(question: string): Promise<string> {
    const line = await this.#read(question)
    if (line === null) throw new UsageError('the answers ended before the scenario did')
    return line
  }

  /**
   * Never called: only a load needs it, and two hands cannot make a load, so it is refused before a scenario begins.
   */
  hangUp(): void {}

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#queue
  }

  async settle(): Promise<boolean> {
    this.#show('let it come to rest; a second will do')
    return true
  }

  /**
   * Reads the contents of the nodes. The applied index is not asked, since nothing compares it. A node that does not
   * answer is left out.
   */
  async look(): Promise<readonly Look[]> {
    const looks: Look[] = []
    for (const node of this.nodes.filter((node) => !this.#silent.has(node))) {
      const answer = await this.#answer(node, { command: 'scan' })
      if (answer) looks.push({ node, applied: 0, contents: new Map(answer.entries as [string, string][]) })
    }
    return looks
  }

  async kept(): Promise<readonly Kept[]> {
    const kept: Kept[] = []
    for (const node of this.nodes.filter((node) => !this.#silent.has(node))) {
      const answer = await this.#answer(node, { command: 'info' })
      if (answer) kept.push({ node, ...keptOf(answer.info as Status) })
    }
    return kept
  }

  async places(): Promise<readonly Place[]> {
    const question = 'who leads, and in which term, as `status` tells: n1 2 (or standalone; nothing if nobody leads)'
    const [leader = null, term = '0'] = (await this.#line(question)).trim().split(/\s+/).filter(Boolean)
    const roleOf = (node: NodeId) => (node === leader ? 'leader' : leader === 'standalone' ? leader : 'follower')
    const nodes = this.nodes.filter((node) => !this.#silent.has(node))
    return nodes.map((node) => ({ node, role: roleOf(node), term: Number(term), leader }))
  }

  address(node: NodeId): Member {
    return this.#members.find(({ id }) => id === node)!
  }

  /** Leaves the members unknown: a person does not look them up. */
  async members(): Promise<null> {
    return null
  }

  connect(name: string, node: NodeId): RawConnection {
    return new HandConnection(name, this.#members.find(({ id }) => id === node)!.client, this.#show, (question) =>
      this.#line(question),
    )
  }
}

/** Parses an answer from its first brace on: before the brace there may be the bytes of a frame's length. */
function parseAnswer(line: string): Record<string, unknown> | null {
  try {
    const value = JSON.parse(line.slice(line.indexOf('{'))) as unknown
    return isObject(value) ? value : null
  } catch {
    return null
  }
}

/** A connection kept open by the learner's shell: `nc` cannot be told later what to send. */
class HandConnection implements RawConnection {
  readonly #descriptor: number
  readonly #address: { readonly host: string; readonly port: number }
  readonly #show: Show
  readonly #line: (question: string) => Promise<string>
  #unsent: string[] = []
  #open = false
  #ended = false

  constructor(name: string, address: string, show: Show, line: (question: string) => Promise<string>) {
    this.#descriptor = Number(name.slice(1)) + 2
    this.#address = parseAddress(address)!
    this.#show = show
    this.#line = line
  }

  /** Keeps the bytes to send; they are shown once it is known whether the connection ends with them. */
  async send({ printf }: Extract<Raw, { kind: 'sends' }>): Promise<void> {
    this.#unsent.push(printf)
  }

  end(): void {
    this.#ended = true
  }

  async receive(): Promise<unknown> {
    this.#showUnsent()
    const line = await this.#line('the next answer (nothing if none came)')
    return line.trim() === '' ? undefined : (parseAnswer(line) ?? line)
  }

  async closed(): Promise<boolean> {
    this.#showUnsent()
    return /^y/i.test(await this.#line('did the node close the connection (y or n)'))
  }

  #showUnsent(): void {
    const { host, port } = this.#address
    const bytes = this.#unsent.join('')
    this.#unsent = []
    if (bytes === '') return
    if (this.#ended && !this.#open) return this.#show(`printf '${bytes}' | nc -N ${host} ${port}`)
    if (!this.#open) this.#show(`in bash: exec ${this.#descriptor}<>/dev/tcp/${host}/${port}`)
    this.#open = true
    this.#show(`printf '${bytes}' >&${this.#descriptor}; timeout 1 cat <&${this.#descriptor}`)
  }
}
