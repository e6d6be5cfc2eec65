import t from 'tap'
import { stages } from '../../stages/index.js'
import { electionClaims, fixedVoterClaims } from '../claims/elections.js'
import { successionClaims } from '../claims/succession.js'
import { voteClaims } from '../claims/votes.js'

for (const stage of stages.slice(6)) {
  const claims = { ...voteClaims, ...electionClaims, ...successionClaims }
  const all = stage.members === 'fixed' ? { ...claims, ...fixedVoterClaims } : claims
  for (const [claim, check] of Object.entries(all)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
