import t from 'tap'
import { describeSeasons, playSeasons, safeStages } from './helpers/seasons.js'

/** Of every safe stage; a seed is about a minute and a half. */
const hours = 20
const seeds = 720

for (const stage of safeStages) {
  t.test(`stage ${stage}: ${hours} simulated hours in which faults come and go break nothing`, async (t) => {
    const seasons = await playSeasons(stage, 1, seeds)
    t.comment(describeSeasons(seasons))
    t.same(seasons.broken, [], `again: raft-roadmap sim ${stage} --climate season --seed N`)
    t.ok(seasons.virtualHours >= hours, `${seasons.virtualHours.toFixed(1)} hours`)
    t.same(seasons.unreached, [], 'every rare event was reached')
  })
}
