/**
 * `npm run prove [-- --minutes 25 | --hours 2]`: the long proof. First each test that has a long form, then seasons of
 * every safe stage in turn, from seeds of their own, until the time is up. In a proof of two hours or more, processes are
 * besieged for half an hour on each network. The last line is `N passed, N failed`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { ConfigError } from '../src/errors.js'
import { root } from './docs.js'
import { describeSeasons, playSeasons, type Seasons, safeStages } from './helpers/seasons.js'
import { allTests, type Count, runTests } from './helpers/test-runs.js'

/** Seeds of a stage that a thread plays before the next stage has its turn. */
const seedsAtATime = 24
/** In fewer seasons than this, a rare event may well be missing by chance. */
const seedsForRareEvents = 180
/** A proof that lasts so long has sieges of half an hour. */
const minutesForSieges = 120
/** `npm test` plays the first seeds. */
const firstSeed = 1_000_001

/** @throws ConfigError */
function minutesAsked(): number {
  const { minutes, hours } = parseArgs({ options: { minutes: { type: 'string' }, hours: { type: 'string' } } }).values
  const asked = hours === undefined ? Number(minutes ?? 25) : Number(hours) * 60
  if (!(asked > 0) || (minutes !== undefined && hours !== undefined))
    throw new ConfigError('how long? npm run prove -- --minutes 25, or --hours 2')
  return asked
}

/** The tests that ask how large they should be; first those of which some parts stand in the long form alone. */
function longTests(): string[] {
  const has = (path: string, word: string) => readFileSync(join(root, path), 'utf8').includes(word)
  const long = allTests().filter((path) => has(path, 'helpers/effort.js'))
  return [...long.filter((path) => has(path, 'longOnly')), ...long.filter((path) => !has(path, 'longOnly'))]
}

/** Plays seasons of each stage in turn until a moment of `performance.now()`; each stage is played once at least. */
async function runSeasons(until: number): Promise<Count> {
  const all: Seasons[] = []
  const count = { passed: 0, failed: 0 }
  let next = firstSeed
  do {
    for (const stage of safeStages) {
      const seasons = await playSeasons(stage, next, seedsAtATime)
      console.log(describeSeasons(seasons))
      for (const { seed, guarantee, what } of seasons.broken) {
        console.log(`✘ ${guarantee} ${what}\n  again: npx raft-roadmap sim ${stage} --climate season --seed ${seed}`)
      }
      count.passed += seedsAtATime - seasons.broken.length
      count.failed += seasons.broken.length
      all.push(seasons)
    }
    next += seedsAtATime
  } while (performance.now() < until)
  const hours = all.reduce((sum, { virtualHours }) => sum + virtualHours, 0)
  console.log(`${hours.toFixed(0)} simulated hours, ${count.failed} seeds broke what their stage gives`)
  const missing = unreached(all)
  for (const name of missing) console.log(`✘ never reached: ${name}`)
  return { ...count, failed: count.failed + missing.length }
}

/** Rare events that no season of a stage had, where it played enough of them. */
function unreached(all: readonly Seasons[]): string[] {
  return safeStages.flatMap((stage) => {
    const rounds = all.filter((seasons) => seasons.stage === stage)
    if (rounds.length * seedsAtATime < seedsForRareEvents) return []
    const never = rounds[0]!.unreached.filter((name) => rounds.every((seasons) => seasons.unreached.includes(name)))
    return never.map((name) => `${name} at stage ${stage}`)
  })
}

try {
  const minutes = minutesAsked()
  const until = performance.now() + minutes * 60_000
  const siege = minutes >= minutesForSieges ? { SIEGE_MINUTES: '30', TAP_TIMEOUT: '10800' } : {}
  const tests = await runTests(longTests(), { PROOF: 'long', ...siege }, until)
  const seasons = await runSeasons(until)
  const failed = tests.failed + seasons.failed
  console.log(`${tests.passed + seasons.passed} passed, ${failed} failed`)
  process.exitCode = failed > 0 ? 1 : 0
} catch (error) {
  if (!(error instanceof ConfigError || (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')))
    throw error
  console.error((error as Error).message)
  process.exitCode = 2
}
