/** `npm run sim:long [-- minutes]`: seasons of every safe stage in turn, on every core, for an hour unless told otherwise. */
import { describeSeasons, playSeasons, type Seasons, safeStages } from './helpers/seasons.js'

const minutes = Number(process.argv[2] ?? 60)
if (!(minutes > 0)) {
  console.error('how many minutes? npm run sim:long -- 60')
  process.exit(2)
}

const seedsAtATime = 200
const start = performance.now()
const all: Seasons[] = []
/** Not the seeds of `npm test`. */
let firstSeed = 1_000_001
while (performance.now() - start < minutes * 60_000) {
  for (const stage of safeStages) {
    const seasons = await playSeasons(stage, firstSeed, seedsAtATime)
    console.log(describeSeasons(seasons))
    for (const { seed, guarantee, what } of seasons.broken) {
      console.log(`✘ ${guarantee} ${what}\n  again: raft-roadmap sim ${stage} --climate season --seed ${seed}`)
    }
    all.push(seasons)
  }
  firstSeed += seedsAtATime
}

const broken = all.reduce((sum, { broken }) => sum + broken.length, 0)
const hours = all.reduce((sum, { virtualHours }) => sum + virtualHours, 0)
const unreached = safeStages.flatMap((stage) => {
  const rounds = all.filter((seasons) => seasons.stage === stage)
  const never = rounds[0]!.unreached.filter((name) => rounds.every((seasons) => seasons.unreached.includes(name)))
  return never.map((name) => `${name} at stage ${stage}`)
})
console.log(`${hours.toFixed(0)} simulated hours, ${broken} seeds broke what their stage gives`)
if (unreached.length > 0) console.log(`never reached: ${unreached.join(', ')}`)
process.exitCode = broken > 0 || unreached.length > 0 ? 1 : 0
