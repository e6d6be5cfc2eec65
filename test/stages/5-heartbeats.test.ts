import t from 'tap'
import { stages } from '../../stages/index.js'
import { fixedListenerClaims, heartbeatClaims } from '../claims/heartbeats.js'

for (const stage of stages.slice(5)) {
  const claims = stage.number === 5 ? { ...heartbeatClaims, ...fixedListenerClaims } : heartbeatClaims
  for (const [claim, check] of Object.entries(claims)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
