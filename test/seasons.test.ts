import t from 'tap'
import { size } from './helpers/effort.js'
import { describeSeasons, playSeasons, safeStages } from './helpers/seasons.js'

/** `npm run prove` goes on with seeds of its own. */
const seeds = size(2, 6)

for (const stage of safeStages) {
  t.test(`stage ${stage}: seasons in which faults come and go break nothing`, async (t) => {
    const seasons = await playSeasons(stage, 1, seeds)
    t.comment(describeSeasons(seasons))
    t.same(seasons.broken, [], `again: npx raft-roadmap sim ${stage} --climate season --seed N`)
    t.equal(seasons.seeds, seeds)
  })
}
