import type { Stage } from '../../src/stage.js'
import naive from '../../stages/2-naive-replication/stage.js'
import { compactionMessages } from '../../stages/7-log-compaction/messages.js'

/** What the networks are tested with: the plain messages of one stage, and one of another that carries bytes. No node is made of it. */
export const stage: Stage = {
  ...naive,
  messages: { ...naive.messages, InstallSnapshot: compactionMessages.InstallSnapshot },
  proto: [...naive.proto, '7-log-compaction/snapshot.proto'],
}
