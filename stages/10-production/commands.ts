import { z } from 'zod'
import { shape } from '../../src/command-shape.js'
import { address, force, node } from '../8-membership/commands.js'

const role = z.enum(['learner'], { error: '"learner", or left out: then it votes' }).optional()

/** The commands with which an operator has the leader hand over, and has nodes vote or only learn. */
export const productionCommands = {
  add_node: shape(
    'add_node',
    { node, client: address, peer: address, role, force },
    {
      help: 'take in a node that runs: it catches up, then it votes, or stays a learner; `force` as in remove_node',
      readOnly: false,
    },
  ),
  promote: shape('promote', { node, force }, { help: 'a learner votes from now on', readOnly: false }),
  demote: shape(
    'demote',
    { node, force },
    { help: 'a voter is a learner from now on: it is sent all, and counts for nothing', readOnly: false },
  ),
  transfer_leader: shape(
    'transfer_leader',
    { to: node.optional() },
    { help: 'the leader hands over, to this node or to the one that is nearest; no call is lost', readOnly: false },
  ),
}

export type AddNode = z.infer<(typeof productionCommands)['add_node']['schema']>
export type Promote = z.infer<(typeof productionCommands)['promote']['schema']>
export type TransferLeader = z.infer<(typeof productionCommands)['transfer_leader']['schema']>

/** The services for clients: that of stage 8 with what is new in it, and one for hand-overs. */
export function servicesOfProduction(before: readonly string[]): string[] {
  const others = before.filter((file) => file !== '8-membership/requests.proto')
  return [...others, '10-production/requests.proto', '10-production/handover.proto']
}
