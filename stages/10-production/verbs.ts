import { serveReadOrBackup } from './backup.js'
import { headerWithFeatures } from './features.js'
import { handOverAndRetire } from './hand-over.js'
import { preVoteVerbs } from './pre-vote.js'
import { statusOfProduction } from './production-node.js'
import { pipelineVerbs } from './replicate-ahead.js'

/** The verbs that this stage replaces. */
export const productionVerbs = {
  ...pipelineVerbs,
  ...preVoteVerbs,
  status: statusOfProduction,
  header: headerWithFeatures,
  retire: handOverAndRetire,
  serveRead: serveReadOrBackup,
} as const
