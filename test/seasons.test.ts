import { safeStages, seasonsTest } from './helpers/seasons.js'

for (const stage of safeStages) seasonsTest(stage, 6)
