import t from 'tap'
import { stages } from '../../stages/index.js'
import { followerReadClaims, readClaims } from '../claims/read-index.js'
import { sessionClientClaims } from '../claims/session-clients.js'
import { sessionClaims, sessionEndClaims } from '../claims/sessions.js'

const claims = {
  ...sessionClaims,
  ...sessionEndClaims,
  ...readClaims,
  ...followerReadClaims,
  ...sessionClientClaims,
}

for (const stage of stages.slice(9)) {
  for (const [claim, check] of Object.entries(claims)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
