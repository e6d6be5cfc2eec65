import { failure, type Refusal, type Request } from '../../src/contracts.js'
import { refer } from '../4-log-replication/propose.js'
import type { Participant } from './participant.js'
import { describeWait } from './waiting.js'

export function refuse(node: Participant, { id: request }: Request, answer: Refusal): void {
  node.effects.replies.push({ request, answer })
}

/** Refuses a request because another node leads; or, if none leads, says for which nodes this one waits. */
export function refuseElsewhere(node: Participant, request: Request): void {
  const wait = describeWait(node)
  if (node.leader !== null || wait === '') return refer(node, request)
  refuse(node, request, failure('no_leader', `no node leads at present${wait}`))
}
