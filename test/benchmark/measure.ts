import { BenchmarkError, firstMessage, startScript, stopChild } from './children.js'
import { contenders } from './contenders.js'
import type { GeneratorMessage, Measurement, Plan } from './generator.js'
import type { ContenderName, Profile } from './profiles.js'
import type { Server } from './servers.js'
import { StageCluster } from './stage-cluster.js'

/** One measurement of each, one after the other, so that whatever else the machine did befell all. */
export type Round = { readonly cluster: ClusterMeasurement } & Readonly<Partial<Record<ContenderName, Measurement>>>

export interface ClusterMeasurement extends Measurement {
  /** The longest pause of any node's event loop. */
  readonly longestPauseMs: number
}

export interface Result {
  readonly profile: Profile
  readonly rounds: readonly Round[]
  /** Operations a second of the cluster for one of each contender: the median over the rounds. */
  readonly ratios: Readonly<Partial<Record<ContenderName, number>>>
}

/**
 * Measures a cluster and its contenders in turns.
 *
 * @param cpuProfile a file for a CPU profile of the leader, taken in one more measurement that does not count, or null
 * @param onRound hears of every finished round
 */
export async function measureProfile(
  profile: Profile,
  cpuProfile: string | null,
  onRound: (round: Round) => void,
): Promise<Result> {
  const servers: Server[] = []
  const started = async <Started extends Server>(starting: Promise<Started>) => {
    const server = await starting
    servers.push(server)
    return server
  }
  try {
    const cluster = await started(StageCluster.start(profile))
    if (profile.load.readPolicy !== 'leader') await cluster.fill(profile.load)
    const others = new Map<ContenderName, Server>()
    for (const name of profile.against) others.set(name, await started(contenders[name].start(profile)))
    const rounds: Round[] = []
    for (let number = 0; number < profile.rounds; number++) {
      const measured: Partial<Record<ContenderName, Measurement>> = {}
      const round = { cluster: await measureCluster(profile, cluster), ...measured }
      for (const [name, server] of others) round[name] = await measureOnce(profile, server)
      rounds.push(round)
      onRound(round)
    }
    if (cpuProfile !== null) await cluster.profileLeader(cpuProfile, () => measureOnce(profile, cluster))
    const ratios = profile.against.map((name) => [name, median(rounds.map((round) => ratioTo(name, round)))])
    return { profile, rounds, ratios: Object.fromEntries(ratios) }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
  }
}

async function measureCluster(profile: Profile, cluster: StageCluster): Promise<ClusterMeasurement> {
  const measurement = await measureOnce(profile, cluster)
  const since = performance.now() - measurement.seconds * 1000
  return { ...measurement, longestPauseMs: cluster.longestPauseMs(since) }
}

async function measureOnce(profile: Profile, server: Server): Promise<Measurement> {
  const { load, warmUpSeconds, seconds } = profile
  const { address, protocol, pids } = server
  // Only a leader takes the sets that fill a store: where all nodes are asked, it is filled already.
  const all = load.readPolicy === 'leader' ? undefined : server.addresses
  const plan: Plan = {
    ...load,
    isFilled: all !== undefined,
    addresses: all ?? [address],
    protocol,
    pids,
    warmUpSeconds,
    seconds,
  }
  const measurement = await generate(plan)
  if (measurement.operations === 0) throw new BenchmarkError(nothingDone(address, measurement))
  return measurement
}

/**
 * Loads a server by a fresh generator: none inherits what the one before it made of its memory and its compiled code.
 *
 * @throws BenchmarkError if a connection is lost
 */
export async function generate(plan: Plan): Promise<Measurement> {
  const generator = startScript('generator', JSON.stringify(plan))
  try {
    const message = await firstMessage<GeneratorMessage>(generator, 'load generator')
    if ('problem' in message) throw new BenchmarkError(message.problem)
    return message.measurement
  } finally {
    await stopChild(generator)
  }
}

function nothingDone(address: string, { errors, seconds }: Measurement): string {
  const codes = Object.keys(errors)
  const instead = codes.length > 0 ? `nothing but ${codes.join(', ')}` : 'nothing at all'
  return `${address} answered ${instead} within ${seconds.toFixed(1)} s`
}

export function ratioTo(name: ContenderName, round: Round): number {
  return round.cluster.opsPerSecond / round[name]!.opsPerSecond
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
}
