import { wrongOperations } from './0-key-value-store.js'
import { wrongReplication } from './2-naive-replication.js'
import { wrongLogReplication } from './4-log-replication.js'
import { wrongHeartbeats } from './5-heartbeats.js'
import { wrongElections } from './6-leader-election.js'
import { wrongClients } from './6-leader-election-client.js'
import { wrongCompaction } from './7-log-compaction.js'
import { wrongMembership } from './8-membership.js'
import { wrongIdentities } from './8-membership-identity.js'
import { wrongDepartures } from './8-membership-left.js'
import { wrongQuorums } from './8-membership-quorum.js'
import { wrongSessions } from './9-client-interaction.js'
import { wrongSessionClients } from './9-client-interaction-client.js'
import { wrongReads } from './9-client-interaction-reads.js'
import { wrongPreVotes } from './10-production.js'
import { wrongAdmissions } from './10-production-admit.js'
import { wrongBackups } from './10-production-backup.js'
import { wrongConnections } from './10-production-client.js'
import { wrongComparisons } from './10-production-compare.js'
import { wrongFeatures } from './10-production-features.js'
import { wrongForwards } from './10-production-forward.js'
import { wrongGuards } from './10-production-guard.js'
import { wrongHandoverRules } from './10-production-handover.js'
import { wrongLearners } from './10-production-learners.js'
import { wrongPipelineRules } from './10-production-pipeline.js'
import { wrongPreferences } from './10-production-prefer.js'
import { wrongPatience } from './10-production-slow-machine.js'
import type { WrongRule } from './wrong-rule.js'

export { seedsToTry } from './seeds.js'
export type { Caught, WrongRule } from './wrong-rule.js'

/** All wrong rules, in the order of the stages. */
export const wrongRules: readonly WrongRule[] = [
  ...wrongOperations,
  ...wrongReplication,
  ...wrongLogReplication,
  ...wrongHeartbeats,
  ...wrongElections,
  ...wrongClients,
  ...wrongCompaction,
  ...wrongMembership,
  ...wrongDepartures,
  ...wrongQuorums,
  ...wrongIdentities,
  ...wrongSessions,
  ...wrongReads,
  ...wrongSessionClients,
  ...wrongPreVotes,
  ...wrongHandoverRules,
  ...wrongPipelineRules,
  ...wrongForwards,
  ...wrongLearners,
  ...wrongGuards,
  ...wrongAdmissions,
  ...wrongPatience,
  ...wrongPreferences,
  ...wrongBackups,
  ...wrongConnections,
  ...wrongComparisons,
  ...wrongFeatures,
]
