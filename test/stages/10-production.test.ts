import t from 'tap'
import { stages } from '../../stages/index.js'
import { admissionClaims } from '../claims/admission.js'
import { backupClaims } from '../claims/backups.js'
import { comparingClaims, wishedSnapshotClaims } from '../claims/compare-results.js'
import { deadLinkClaims } from '../claims/dead-links.js'
import { featureClaims } from '../claims/features.js'
import { forwardClaims } from '../claims/forwarding.js'
import { guardClaims, passedOnClaims } from '../claims/guard.js'
import { handoverClaims } from '../claims/handover.js'
import { learnerClaims } from '../claims/learners.js'
import { leaseClaims } from '../claims/leases.js'
import { pipelineClaims } from '../claims/pipeline.js'
import { preVoteClaims } from '../claims/pre-vote.js'
import { preferredClaims } from '../claims/preferred.js'
import { retiringClaims } from '../claims/retiring.js'
import { slowMachineClaims } from '../claims/slow-machines.js'
import { stoppingClaims } from '../claims/stopping.js'

const claims = {
  ...preVoteClaims,
  ...handoverClaims,
  ...retiringClaims,
  ...pipelineClaims,
  ...leaseClaims,
  ...deadLinkClaims,
  ...forwardClaims,
  ...learnerClaims,
  ...featureClaims,
  ...guardClaims,
  ...admissionClaims,
  ...slowMachineClaims,
  ...preferredClaims,
  ...stoppingClaims,
  ...backupClaims,
  ...passedOnClaims,
  ...comparingClaims,
  ...wishedSnapshotClaims,
}

for (const stage of stages.slice(10)) {
  for (const [claim, check] of Object.entries(claims)) {
    t.test(`stage ${stage.number}: ${claim}`, async (t) => void t.doesNotThrow(() => check(stage)))
  }
}
