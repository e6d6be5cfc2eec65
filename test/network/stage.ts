import type { Stage } from '../../src/stage.js'
import naive from '../../stages/2-naive-replication/stage.js'
import { compactionWire } from '../../stages/7-log-compaction/messages.js'

/** What the networks are tested with: the plain messages of one stage, and one of another that carries bytes. No node is made of it. */
export const stage: Stage = {
  ...naive,
  wire: { ...naive.wire, InstallSnapshot: compactionWire.InstallSnapshot },
  proto: [...naive.proto, '7-log-compaction/snapshot.proto'],
}
