import { appendEntriesClaims } from './append-entries.js'
import type { Claims } from './claim.js'
import { compactionClaims } from './compaction.js'
import { electionClaims, fixedVoterClaims } from './elections.js'
import { fixedListenerClaims, heartbeatClaims } from './heartbeats.js'
import { installClaims, snapshotTermClaims } from './install-snapshot.js'
import { foundingClaims, joiningClaims } from './joining.js'
import { changeClaims, jointClaims } from './joint.js'
import { leavingClaims, loyaltyClaims } from './outsiders.js'
import { callOffClaims, quorumClaims, waitingClaims } from './quorum.js'
import { fixedLeaderClaims, replicationClaims } from './replication.js'
import { transferClaims } from './send-snapshot.js'
import { successionClaims } from './succession.js'
import { voteClaims } from './votes.js'
import { wipedClaims } from './wiped.js'

/** Every claim by its name: what a wrong rule may be caught by. */
export const claims: Claims = {
  ...appendEntriesClaims,
  ...replicationClaims,
  ...fixedLeaderClaims,
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
