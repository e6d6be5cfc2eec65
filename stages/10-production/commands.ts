import { z } from 'zod'
import { shape } from '../../src/command-shape.js'
import { address, force, node } from '../8-membership/commands.js'

const role = z.enum(['learner'], { error: '"learner", or left out: then it votes' }).optional()

const consistency = z.enum(['linearizable', 'stale'], { error: '"linearizable", or "stale"' }).optional()
const positive = z.int({ error: 'a whole number from 1 on' }).min(1, { error: 'a whole number from 1 on' })
const natural = z.int({ error: 'a whole number from 0 on' }).min(0, { error: 'a whole number from 0 on' })
/** Bytes of the largest piece of a backup: in base64 it is a small part of what an answer may have. */
const pieceBytes = 256 * 1024
const pieceLength = positive.max(pieceBytes, { error: `${pieceBytes} at most` })

/**
 * The commands with which an operator has the leader hand over, has nodes vote or only learn, and copies the state of a
 * moment.
 */
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
  backup: shape(
    'backup',
    { consistency },
    { help: 'keep the state of this moment, to be copied; `raft-roadmap backup FILE` does all of it', readOnly: true },
  ),
  backup_piece: shape(
    'backup_piece',
    { index: positive, term: positive, offset: natural, length: pieceLength },
    { help: 'bytes of a state that `backup` keeps, in base64', readOnly: true },
  ),
}

export type AddNode = z.infer<(typeof productionCommands)['add_node']['schema']>
export type Promote = z.infer<(typeof productionCommands)['promote']['schema']>
export type Backup = z.infer<(typeof productionCommands)['backup']['schema']>
export type BackupPiece = z.infer<(typeof productionCommands)['backup_piece']['schema']>
/** A node that is being stopped asks itself to hand over: it leaves in any case. No client can say so. */
type Leaving = { readonly isLeaving?: boolean }
export type TransferLeader = z.infer<(typeof productionCommands)['transfer_leader']['schema']> & Leaving

/** The services for clients: that of stage 8 with what is new in it, one for hand-overs, and one for backups. */
export function servicesOfProduction(before: readonly string[]): string[] {
  const others = before.filter((file) => file !== '8-membership/requests.proto')
  return [...others, '10-production/requests.proto', '10-production/handover.proto', '10-production/backup.proto']
}
