import t from 'tap'
import { stages } from '../../stages/index.js'
import { compactionClaims } from '../claims/compaction.js'
import { snapshotDoubtClaims } from '../claims/doubts.js'
import { installClaims, snapshotTermClaims } from '../claims/install-snapshot.js'
import { transferClaims } from '../claims/send-snapshot.js'
import { slowLineClaims } from '../claims/slow-lines.js'

for (const stage of stages.slice(7)) {
  for (const [claim, check] of Object.entries({
    ...compactionClaims,
    ...snapshotTermClaims,
    ...installClaims,
    ...transferClaims,
    ...slowLineClaims,
    ...snapshotDoubtClaims,
  })) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
