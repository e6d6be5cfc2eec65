import type { z } from 'zod'
import { shape } from '../../src/command-shape.js'
import { node } from '../8-membership/commands.js'

/** The command with which an operator has the leader hand over. */
export const productionCommands = {
  transfer_leader: shape(
    'transfer_leader',
    { to: node.optional() },
    { help: 'the leader hands over, to this node or to the one that is nearest; no call is lost', readOnly: false },
  ),
}

export type TransferLeader = z.infer<(typeof productionCommands)['transfer_leader']['schema']>
