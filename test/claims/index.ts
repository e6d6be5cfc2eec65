import { admissionClaims } from './admission.js'
import { appendEntriesClaims } from './append-entries.js'
import { backupClaims } from './backups.js'
import type { Claims } from './claim.js'
import { compactionClaims } from './compaction.js'
import { comparingClaims, wishedSnapshotClaims } from './compare-results.js'
import { deadLinkClaims } from './dead-links.js'
import { doubtClaims, snapshotDoubtClaims } from './doubts.js'
import { electionClaims, fixedVoterClaims } from './elections.js'
import { featureClaims } from './features.js'
import { forwardClaims } from './forwarding.js'
import { guardClaims, passedOnClaims } from './guard.js'
import { handoverClaims } from './handover.js'
import { fixedListenerClaims, heartbeatClaims } from './heartbeats.js'
import { confirmedFoundingClaims, diskClaims, olderDiskClaims, originClaims } from './identity.js'
import { installClaims, snapshotTermClaims } from './install-snapshot.js'
import { foundingClaims, joiningClaims } from './joining.js'
import { changeClaims, jointClaims } from './joint.js'
import { learnerClaims } from './learners.js'
import { leaseClaims } from './leases.js'
import { leavingClaims, loyaltyClaims } from './outsiders.js'
import { pipelineClaims } from './pipeline.js'
import { preVoteClaims } from './pre-vote.js'
import { preferredClaims } from './preferred.js'
import { callOffClaims, quorumClaims, waitingClaims } from './quorum.js'
import { followerReadClaims, readClaims } from './read-index.js'
import { fixedLeaderClaims, replicationClaims } from './replication.js'
import { retiringClaims } from './retiring.js'
import { transferClaims } from './send-snapshot.js'
import { sessionClientClaims } from './session-clients.js'
import { sessionClaims, sessionEndClaims } from './sessions.js'
import { slowLineClaims } from './slow-lines.js'
import { slowMachineClaims } from './slow-machines.js'
import { stoppingClaims } from './stopping.js'
import { successionClaims } from './succession.js'
import { voteClaims } from './votes.js'
import { wipedClaims } from './wiped.js'

/** Every claim by its name: what a wrong rule may be caught by. */
export const claims: Claims = {
  ...appendEntriesClaims,
  ...replicationClaims,
  ...fixedLeaderClaims,
  ...doubtClaims,
  ...snapshotDoubtClaims,
  ...heartbeatClaims,
  ...fixedListenerClaims,
  ...voteClaims,
  ...electionClaims,
  ...fixedVoterClaims,
  ...successionClaims,
  ...compactionClaims,
  ...snapshotTermClaims,
  ...installClaims,
  ...transferClaims,
  ...slowLineClaims,
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
  ...originClaims,
  ...diskClaims,
  ...olderDiskClaims,
  ...confirmedFoundingClaims,
  ...sessionClaims,
  ...sessionEndClaims,
  ...readClaims,
  ...followerReadClaims,
  ...sessionClientClaims,
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
  ...slowMachineClaims,
  ...preferredClaims,
  ...stoppingClaims,
  ...backupClaims,
  ...admissionClaims,
  ...passedOnClaims,
  ...comparingClaims,
  ...wishedSnapshotClaims,
}
