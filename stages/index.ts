import type { Stage } from '../src/stage.js'
import keyValueStore from './0-key-value-store/stage.js'
import client from './1-client/stage.js'
import naiveReplication from './2-naive-replication/stage.js'
import protobufRpc from './3-protobuf-rpc/stage.js'
import logReplication from './4-log-replication/stage.js'
import heartbeats from './5-heartbeats/stage.js'
import leaderElection from './6-leader-election/stage.js'
import logCompaction from './7-log-compaction/stage.js'
import membership from './8-membership/stage.js'
import clientInteraction from './9-client-interaction/stage.js'
import production from './10-production/stage.js'

/** The roadmap, in order: `stages[n].number` is `n`. The store of stage 0 has no client, so that of stage 1 asks it. */
export const stages: readonly Stage[] = [
  { ...keyValueStore, client: client.client },
  client,
  naiveReplication,
  protobufRpc,
  logReplication,
  heartbeats,
  leaderElection,
  logCompaction,
  membership,
  clientInteraction,
  production,
]

/** The newest stage: what `npm start` runs. */
export const latest: Stage = stages.at(-1)!

/**
 * Finds a stage by its number (`2`), its folder (`2-naive-replication`), the folder's words (`naive-replication`), or
 * `latest`.
 */
export function findStage(name: string): Stage | undefined {
  if (name === 'latest') return latest
  return stages.find(({ number, name: folder }) => [String(number), folder, folder.replace(/^\d+-/, '')].includes(name))
}
