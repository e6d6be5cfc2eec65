import t from 'tap'
import { stages } from '../../stages/index.js'
import { foundingClaims, joiningClaims } from '../claims/joining.js'

for (const stage of stages.slice(8)) {
  for (const [claim, check] of Object.entries({ ...foundingClaims, ...joiningClaims })) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
