import type { Request } from '../../src/contracts.js'
import { reconfigure, removeNode } from '../8-membership/ask-change.js'
import { endSessions } from '../9-client-interaction/end-sessions.js'
import { openAdmitted } from './admit.js'
import { askBackup, tellPiece } from './backup.js'
import { orForward, proposeOrForward } from './forward.js'
import type { ForwardRequest } from './forward-messages.js'
import { addMember, demote, promote } from './learners.js'
import type { ProductionNode } from './production-node.js'
import { wishSnapshot } from './snapshot-now.js'
import { transferLeader } from './transfer-leader.js'

/**
 * Requests that would become entries wait while the leader hands over, and until another node leads: then they are sent
 * there, or proposed here if nobody took over. An entry that was proposed meanwhile would keep the successor behind.
 */
function holdDuringHandover<C>(rule: (node: ProductionNode, request: Request<C>) => void) {
  const held = (node: ProductionNode, request: Request<C>) => {
    if (node.handover) node.handover.held.push(() => rule(node, request))
    else rule(node, request)
  }
  return Object.defineProperty(held, 'name', { value: `${rule.name}, held during a hand-over` })
}

/** Characters of other nodes' requests that may wait for a hand-over. Each node bounds those of its own clients. */
const mostHeld = 32 * 1024 * 1024

/** Checks whether one more request of another node may wait for the end of a hand-over, and counts it. */
export function hasPlace({ handover }: ProductionNode, { entries, request = '' }: Passed): boolean {
  if (!handover) return true
  const characters = entries.reduce((sum, { text }) => sum + text.length, request.length)
  if (handover.heldCharacters > 0 && handover.heldCharacters + characters > mostHeld) return false
  handover.heldCharacters += characters
  return true
}

type Passed = Pick<ForwardRequest, 'entries'> & Partial<Pick<ForwardRequest, 'request'>>

/** The rules of earlier stages that propose entries for clients. */
export const heldRequests = {
  write: holdDuringHandover(proposeOrForward),
  open_session: holdDuringHandover(orForward(openAdmitted)),
  add_node: holdDuringHandover(orForward(addMember)),
  promote: holdDuringHandover(orForward(promote)),
  demote: holdDuringHandover(orForward(demote)),
  remove_node: holdDuringHandover(orForward(removeNode)),
  reconfigure: holdDuringHandover(orForward(reconfigure)),
}

/** The requests of which this stage changes something. */
export const productionRequests = {
  ...heldRequests,
  transfer_leader: orForward(transferLeader),
  snapshot_now: wishSnapshot,
  backup: askBackup,
  backup_piece: tellPiece,
}

/** A leader that hands over ends no sessions: that would be an entry. The next leader ends them. */
export function endSessionsUnlessLeaving(node: ProductionNode): void {
  if (!node.handover) endSessions(node)
}
