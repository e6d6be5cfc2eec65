import { BenchmarkError, firstMessage, startScript, stopChild } from './children.js'
import type { GeneratorMessage, Measurement, Plan } from './generator.js'
import type { Profile } from './profiles.js'
import { type Server, startCluster, startEcho } from './servers.js'

/** One measurement of each, one after the other, so that whatever else the machine did befell both. */
export interface Round {
  readonly cluster: Measurement
  readonly echo: Measurement
}

export interface Result {
  readonly profile: Profile
  readonly rounds: readonly Round[]
  /** Operations a second of the cluster for one of the echo server: the median over the rounds. */
  readonly ratio: number
}

/** Measures a cluster and the echo server in turns. @param onRound hears of every finished round */
export async function measureProfile(profile: Profile, onRound: (round: Round) => void): Promise<Result> {
  const cluster = await startCluster(profile.stage, profile.nodes, profile.network)
  try {
    const echo = await startEcho(profile.echo)
    try {
      const rounds: Round[] = []
      for (let number = 0; number < profile.rounds; number++) {
        const round = { cluster: await measureOnce(profile, cluster), echo: await measureOnce(profile, echo) }
        rounds.push(round)
        onRound(round)
      }
      return { profile, rounds, ratio: median(rounds.map(ratioOf)) }
    } finally {
      await echo.stop()
    }
  } finally {
    await cluster.stop()
  }
}

/** A generator for each measurement: none inherits what the one before it made of its memory and its compiled code. */
async function measureOnce(profile: Profile, { address, pids }: Server): Promise<Measurement> {
  const { load, warmUpSeconds, seconds } = profile
  const generator = startScript(
    'generator',
    JSON.stringify({ ...load, address, pids, warmUpSeconds, seconds } satisfies Plan),
  )
  try {
    const message = await firstMessage<GeneratorMessage>(generator, 'load generator')
    if ('problem' in message) throw new BenchmarkError(message.problem)
    if (message.measurement.operations === 0) throw new BenchmarkError(nothingDone(address, message.measurement))
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

export function ratioOf({ cluster, echo }: Round): number {
  return cluster.opsPerSecond / echo.opsPerSecond
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  return (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2
}
