import interaction from '../../../stages/9-client-interaction/stage.js'
import { replacing, right } from './10-production.js'
import type { WrongRule } from './wrong-rule.js'

/** Wrong ways for a client to bear a dead connection. */
export const wrongConnections: readonly WrongRule[] = [
  {
    name: 'dead-connection-kept',
    what: 'a client waits on a connection that no node answers: the system sends again after ever longer pauses',
    stage: replacing({ client: { ...right.client!, ...interaction.table.client! } }),
    caught: { claim: 'a connection on which a greeting is left without an answer is dropped, and made anew' },
  },
]
