import { parseAddress } from '../../src/address.js'
import { addressProblem, isNodeId, type LogStore, limits, type Member } from '../../src/contracts.js'
import { ConfigError } from '../../src/errors.js'
import type { TlsFiles } from '../../src/network/certificates.js'
import type { MakeNetwork } from '../../src/network/networks.js'
import { type Choices, defaultPace, type Pace } from '../../src/server/config.js'
import { type LogKind, logKinds, type NetworkName, networkNames } from '../../src/stage.js'
import type { Codec } from './codec.js'
import type { StateMachine } from './machine.js'

/** A node of the cluster, as other nodes reach it. */
export interface Peer {
  /** A name of 1 to 32 letters, digits, - or _. */
  readonly id: string
  /** The address that other nodes connect to, as `host:port`. */
  readonly peer: string
}

/** Settings of {@link createNode}. */
export interface NodeOptions<C, R, Q = never, A = never> {
  /** The node's name: 1 to 32 letters, digits, - or _. */
  readonly id: string
  /** The cluster's name. Nodes of another cluster are refused. */
  readonly cluster: string
  /**
   * The node's address, `host:port`: where it listens, and where other nodes reach it. Both are one address if a text is
   * given.
   */
  readonly peer: string | { readonly listen: string; readonly advertise: string }
  /**
   * The nodes that found the cluster, the same list at each of them: the first one founds it, once, when all of them
   * run. Left out at a node that is taken in later, by {@link RaftNode.addMember}.
   */
  readonly bootstrap?: readonly Peer[]
  /** The node's own folder; null for a node that forgets everything when it ends. */
  readonly dataDir: string | null
  readonly machine: StateMachine<C, R, Q, A>
  /** The form of commands in the log; plain JSON if it is left out. */
  readonly codec?: Codec<C>
  /** The network between nodes, `tcp` if it is left out. A function makes another one. */
  readonly network?: NetworkName | MakeNetwork
  /** The store for the log, `file` if it is left out. */
  readonly logStore?: LogKind | LogStore
  readonly timing?: Partial<Pace> & Partial<Choices>
  readonly limits?: Limits
  /**
   * False if nodes do not compare the results of their state machines; they do if it is left out. A node whose results
   * are others than those of most nodes stops. All nodes must have it, or none.
   */
  readonly compareResults?: boolean
  /**
   * The node's certificate, its key and the authority: paths of PEM files, or PEM texts. With it nodes speak TLS with each
   * other over `tcp` and `grpc`, and each must be who its certificate says: it has the name
   * `URI:raft-roadmap://CLUSTER/nodes/ID`. All nodes must have one, or none.
   */
  readonly tls?: TlsFiles | undefined
  /** Closes the node when it is aborted. */
  readonly signal?: AbortSignal | undefined
}

/** Bounds on what a program may ask for. */
export interface Limits {
  /** Bytes of a command in the log at most; 1 MiB if it is left out, and 8 MiB at most. */
  readonly commandBytes?: number
}

/** Settings that were checked, with all that was left out. */
export interface CheckedOptions {
  readonly self: Member
  readonly listen: string
  readonly members: readonly Member[]
  readonly bootstrap: boolean
  readonly network: NetworkName | MakeNetwork
  readonly log: LogKind | LogStore
  readonly pace: Pace & Choices
  readonly commandBytes: number
}

/** Entries and bytes of a log after which a snapshot is due. */
const usualChoices: Choices = { snapshotEntries: 10_000, snapshotBytes: 64 * 1024 * 1024, leaseReads: false }

/** Checks the settings of a node before anything runs. @throws ConfigError that says what to change */
export function checkOptions<C, R, Q, A>(options: NodeOptions<C, R, Q, A>): CheckedOptions {
  const { id, cluster, peer, bootstrap, dataDir, machine, network = 'tcp', logStore, signal } = options
  checkName(id, 'id')
  if (typeof cluster !== 'string' || cluster === '') fail('cluster must be a name')
  const { listen, advertise } = typeof peer === 'object' ? peer : { listen: peer, advertise: peer }
  if (typeof listen !== 'string' || !parseAddress(listen)) fail('peer.listen must be host:port, such as 0.0.0.0:7001')
  checkAddress(advertise, 'peer.advertise')
  if (dataDir !== null && (typeof dataDir !== 'string' || dataDir === '')) fail('dataDir must be a folder, or null')
  if (typeof machine?.apply !== 'function') fail('machine must be a state machine, or reducer({ … })')
  if (typeof network !== 'function' && !networkNames.includes(network))
    fail(`network must be one of ${networkNames.join(', ')}, or a function`)
  const log = logStore ?? (dataDir === null ? 'memory' : 'file')
  if (typeof log === 'string' && !logKinds.includes(log)) fail(`logStore must be one of ${logKinds.join(', ')}`)
  if (signal !== undefined && !(signal instanceof AbortSignal)) fail('signal must be an AbortSignal')
  checkTls(options.tls)
  const self = memberOf({ id, peer: advertise })
  const members = bootstrap === undefined ? [self] : checkFounders(bootstrap, self)
  return {
    ...{ self, listen, members, network, log },
    bootstrap: bootstrap !== undefined && members[0]!.id === id,
    pace: checkPace(options.timing ?? {}),
    commandBytes: checkBytes(options.limits?.commandBytes ?? limits.valueBytes),
  }
}

function checkTls(tls: unknown): void {
  if (tls === undefined) return
  const parts = ['ca', 'cert', 'key'] as const
  if (parts.some((part) => typeof (tls as TlsFiles | null)?.[part] !== 'string'))
    fail('tls must be { ca, cert, key }: paths of PEM files, or PEM texts')
}

function checkFounders(bootstrap: readonly Peer[], self: Member): readonly Member[] {
  if (!Array.isArray(bootstrap) || bootstrap.length === 0 || bootstrap.length > limits.voters)
    fail(`bootstrap must be a list of 1 to ${limits.voters} nodes, or be left out`)
  for (const [at, one] of bootstrap.entries()) {
    checkName(one?.id, `bootstrap[${at}].id`)
    checkAddress(one.peer, `bootstrap[${at}].peer`)
    const first = bootstrap.findIndex(({ id, peer }) => isSameName(id, one.id) || peer === one.peer)
    if (first < at)
      fail(`bootstrap[${at}] has the name or the address of bootstrap[${first}]${caseOnly(bootstrap[first]!, one)}`)
  }
  const own = bootstrap.find(({ id }) => id === self.id)
  if (!own) fail(`bootstrap must name this node, ${self.id}: leave it out at a node that is taken in later`)
  if (own!.peer !== self.peer) fail(`bootstrap says that ${self.id} is at ${own!.peer}, and peer says ${self.peer}`)
  return bootstrap.map(memberOf)
}

/** Names that differ only in case are one folder on many disks, and one name to many readers. */
const isSameName = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()

function caseOnly({ id }: Peer, other: Peer): string {
  return id !== other.id && isSameName(id, other.id) ? `: ${id} and ${other.id} differ only in case` : ''
}

function checkPace(timing: NonNullable<NodeOptions<unknown, unknown>['timing']>): Pace & Choices {
  const pace = { ...defaultPace, ...usualChoices, ...timing }
  for (const name of ['heartbeatMs', 'electionMs', 'snapshotEntries', 'snapshotBytes'] as const)
    if (!Number.isInteger(pace[name]) || pace[name] < 1) fail(`timing.${name} must be a whole number from 1 on`)
  if (pace.electionMs < 3 * pace.heartbeatMs)
    fail(`timing.electionMs must be at least 3 times timing.heartbeatMs, which is ${pace.heartbeatMs}`)
  return pace
}

function checkBytes(bytes: number): number {
  if (Number.isInteger(bytes) && bytes >= 1 && bytes <= limits.messageBytes) return bytes
  return fail(`limits.commandBytes must be a whole number from 1 to ${limits.messageBytes}`)
}

function checkName(name: unknown, what: string): void {
  if (typeof name !== 'string' || !isNodeId(name)) fail(`${what} must be a name of 1 to 32 letters, digits, - or _`)
}

function checkAddress(address: unknown, what: string): void {
  const problem = typeof address === 'string' ? addressProblem(address) : 'host:port'
  if (problem !== null) fail(`${what} must be ${problem}`)
}

/**
 * The member that a node is. It has no port for clients, and the membership's rules want an address for one: so the
 * member has an address that no resolver knows.
 */
export function memberOf({ id, peer }: Peer): Member {
  return { id, client: `_${id}_.no-client-port.invalid:1`, peer }
}

function fail(problem: string): never {
  throw new ConfigError(problem)
}
