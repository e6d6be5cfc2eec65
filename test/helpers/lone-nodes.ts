import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ndjson from 'ndjson'
import type { Test } from 'tap'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import type { Member, NodeId } from '../../src/contracts.js'
import { localMembers } from '../../src/network/local-members.js'
import { Happenings } from './happened.js'
import { bare, type Finished, finish, main } from './running.js'

const host = '127.0.0.1'

/** Nodes without a supervisor: each is a `raft-roadmap node` of its own, as systemd or a container would run it. */
export class LoneNodes extends Happenings {
  readonly members: readonly Member[]
  /** The command line of each node's release; this one's unless another is set here. */
  readonly programs = new Map<NodeId, string>()
  /** The stage at which nodes are started from now on. */
  stage: number
  readonly #options: Readonly<Record<NodeId, readonly string[]>>
  readonly #folder = mkdtempSync(join(tmpdir(), 'raft-roadmap-'))
  readonly #children = new Map<NodeId, ChildProcess>()

  /** Founds a cluster. @param options of the command line, by node; those of `all` are for all nodes */
  static async found(
    t: Test,
    stage: number,
    nodes: number,
    options: Readonly<Record<NodeId | 'all', readonly string[]>> = {},
    program: string = main,
  ): Promise<LoneNodes> {
    const members = localMembers(nodes, host, await freeBasePort(nodes, host))
    const lone = new LoneNodes(t, stage, members, options)
    for (const { id } of members) lone.programs.set(id, program)
    const [founder, ...others] = members.map(({ id }) => id) as [NodeId, ...NodeId[]]
    await Promise.all([...others.map((id) => lone.start(id)), lone.start(founder, ['--bootstrap'], members)])
    return lone
  }

  /** Starts one node with an empty folder, which founds nothing. @returns its addresses */
  static async alone(t: Test, stage: number, id: NodeId, program: string): Promise<Member> {
    const [place] = localMembers(1, host, await freeBasePort(1, host)) as [Member]
    const lone = new LoneNodes(t, stage, [{ ...place, id }], {})
    lone.programs.set(id, program)
    await lone.start(id)
    return lone.members[0]!
  }

  private constructor(
    t: Test,
    stage: number,
    members: readonly Member[],
    options: Readonly<Record<NodeId, readonly string[]>>,
  ) {
    super()
    this.members = members
    this.stage = stage
    this.#options = options
    t.teardown(async () => {
      await Promise.all([...this.#children.values()].map((child) => end(child, 'SIGKILL')))
      rmSync(this.#folder, { recursive: true, force: true })
    })
  }

  addresses(): string[] {
    return this.members.map(({ client }) => client)
  }

  address(id: NodeId): string {
    return this.members.find((member) => member.id === id)!.client
  }

  /** The folder of a node's data. */
  dataDir(id: NodeId): string {
    return join(this.#folder, id)
  }

  /** Starts a node, and waits until it serves. */
  async start(id: NodeId, more: readonly string[] = [], known?: readonly Member[]): Promise<void> {
    const from = this.events.length
    const child = this.#spawn(id, more, known)
    child.stderr!.pipe(process.stderr)
    child.stdout!.pipe(ndjson.parse()).on('data', (event) => this.happened(event))
    await this.event(({ event, node }) => event === 'serving' && node === id, from)
  }

  /** Starts a node that is not to serve; one that does is ended. @returns what it says, and its exit code */
  startInVain(id: NodeId): Promise<Finished> {
    const child = this.#spawn(id, [])
    child.stdout!.on('data', (chunk) => {
      if (String(chunk).includes('"event":"serving"')) child.kill('SIGTERM')
    })
    return finish(child)
  }

  #spawn(id: NodeId, more: readonly string[], known?: readonly Member[]): ChildProcess {
    const told = known ?? this.members.filter((member) => member.id === id)
    const peers = told.map((member) => `${member.id}=${member.client}/${member.peer}`).join(',')
    const fixed = ['--id', id, '--peers', peers, '--data-dir', this.dataDir(id), '--json']
    const options = [...(this.#options.all ?? []), ...(this.#options[id] ?? []), ...more]
    const program = this.programs.get(id) ?? main
    const child = bare(process.execPath, [program, 'node', String(this.stage), ...fixed, ...options])
    this.#children.set(id, child)
    return child
  }

  /** Asks a node to end (SIGTERM), and waits until it has. @returns its exit code */
  stop(id: NodeId): Promise<number | null> {
    return end(this.#children.get(id)!, 'SIGTERM')
  }

  signal(id: NodeId, signal: NodeJS.Signals): void {
    this.#children.get(id)!.kill(signal)
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode
  const ended = once(child, 'close')
  child.kill(signal)
  const [code] = (await ended) as [number | null]
  return code
}
