import { safeStages, seasonsTest } from './helpers/seasons.js'

/** From stage 7 on logs are let go, from stage 8 on nodes come and go: each hour of it is twice the work. */
for (const stage of safeStages.filter((number) => number >= 7)) seasonsTest(stage, 5)
