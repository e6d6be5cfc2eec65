import t from 'tap'
import { stages } from '../../stages/index.js'
import { foundingClaims, joiningClaims } from '../claims/joining.js'
import { changeClaims, jointClaims } from '../claims/joint.js'
import { leavingClaims, loyaltyClaims } from '../claims/outsiders.js'
import { callOffClaims, quorumClaims, waitingClaims } from '../claims/quorum.js'
import { wipedClaims } from '../claims/wiped.js'

const claims = {
  ...foundingClaims,
  ...joiningClaims,
  ...jointClaims,
  ...changeClaims,
  ...leavingClaims,
  ...loyaltyClaims,
  ...wipedClaims,
  ...quorumClaims,
  ...callOffClaims,
  ...waitingClaims,
}

for (const stage of stages.slice(8)) {
  for (const [claim, check] of Object.entries(claims)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
