/** `npm run bench`: how fast a cluster is, as a part of what others reach under the same load. */
import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { hideBin } from 'yargs/helpers'
import { UsageError } from '../../client/text/words.js'
import { ConfigError } from '../../src/errors.js'
import { exitCodes } from '../../src/server/exits.js'
import { BenchmarkError, stopAllChildren } from './children.js'
import { contenders } from './contenders.js'
import { measureProfile, type Result } from './measure.js'
import { parseOptions } from './options.js'
import type { ContenderName, Profile } from './profiles.js'
import { describe, describeRound, report, resultsAsJson } from './report.js'
import { stopAllClusters } from './stage-cluster.js'

const args = hideBin(process.argv)
let interrupted = false

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true
    const end = () => process.exit(128 + constants.signals[signal])
    Promise.all([stopAllChildren(), stopAllClusters()]).then(end, end)
  })
}

async function main(): Promise<void> {
  const options = await parseOptions(args)
  if (!options) return
  const results: Result[] = []
  for (const profile of withoutMissing(options.profiles)) {
    console.error(describe(profile))
    let rounds = 0
    const cpuProfile =
      options.cpuProfiles === null ? null : join(options.cpuProfiles, `${fileName(profile)}.cpuprofile`)
    results.push(await measureProfile(profile, cpuProfile, (round) => console.error(describeRound(++rounds, round))))
  }
  console.log(`\n${report(results)}`)
  if (options.json !== undefined) writeResults(options.json, resultsAsJson(results, args))
}

function fileName(profile: Profile): string {
  return describe(profile).replaceAll(/[^a-z0-9]+/gi, '-')
}

/** What is not installed here is told of, once, and left out. */
function withoutMissing(profiles: readonly Profile[]): Profile[] {
  const missing = new Set<ContenderName>()
  for (const name of new Set(profiles.flatMap(({ against }) => against))) {
    const sentence = contenders[name].missing()
    if (sentence === null) continue
    missing.add(name)
    console.error(sentence)
  }
  return profiles.map((profile) => ({ ...profile, against: profile.against.filter((name) => !missing.has(name)) }))
}

function writeResults(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (error) {
    throw new BenchmarkError(`the results cannot be written to ${file}: ${(error as Error).message}`)
  }
}

try {
  await main()
} catch (error) {
  // Children end because we end them then: no news, and the handler of the signal ends the process.
  if (interrupted) await new Promise(() => {})
  if (![UsageError, ConfigError, BenchmarkError].some((kind) => error instanceof kind)) throw error
  console.error((error as Error).message)
  process.exitCode = exitCodes.usage
}
