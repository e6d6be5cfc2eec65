import t from 'tap'
import { stages } from '../../stages/index.js'
import { appendEntriesClaims } from '../claims/append-entries.js'
import { fixedLeaderClaims, replicationClaims } from '../claims/replication.js'

for (const stage of stages.slice(4)) {
  for (const [claim, check] of Object.entries({ ...appendEntriesClaims, ...replicationClaims })) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}

for (const stage of stages.slice(4, 6)) {
  for (const [claim, check] of Object.entries(fixedLeaderClaims)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
