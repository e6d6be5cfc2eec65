import t from 'tap'
import { stages } from '../../stages/index.js'
import { electionClaims } from '../claims/elections.js'
import { successionClaims } from '../claims/succession.js'
import { voteClaims } from '../claims/votes.js'

for (const stage of stages.slice(6)) {
  for (const [claim, check] of Object.entries({ ...voteClaims, ...electionClaims, ...successionClaims })) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
