import { seasonsTest } from './helpers/seasons.js'

for (const stage of [4, 5, 6]) seasonsTest(stage, 20)
