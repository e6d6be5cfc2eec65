import { z } from 'zod'
import { isNodeId } from '../../src/contracts.js'
import { shape } from '../0-key-value-store/commands.js'

const name = { error: 'a name of 1 to 32 letters, digits, - or _, and not __proto__' }

/** The command with which an operator has the leader hand over. */
export const productionCommands = {
  transfer_leader: shape(
    'transfer_leader',
    { to: z.string(name).refine(isNodeId, name).optional() },
    { help: 'the leader hands over, to this node or to the one that is nearest; no call is lost', readOnly: false },
  ),
}

export type TransferLeader = z.infer<(typeof productionCommands)['transfer_leader']['schema']>
