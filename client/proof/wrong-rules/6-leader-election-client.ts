import type { ClientRules } from '../../../src/contracts.js'
import { type Stage, stage } from '../../../src/stage.js'
import { dispatch } from '../../../stages/1-client/call.js'
import { type Call, type Client, failWith } from '../../../stages/1-client/client.js'
import { disconnected, next } from '../../../stages/1-client/link.js'
import { answeredDuringElection } from '../../../stages/6-leader-election/follow-leader.js'
import type { ElectionMessage } from '../../../stages/6-leader-election/messages.js'
import leaderElection from '../../../stages/6-leader-election/stage.js'
import type { Voter } from '../../../stages/6-leader-election/voter.js'
import type { WrongRule } from './wrong-rule.js'

const right = leaderElection.table

/** A stage whose clients go by other rules; its nodes are the right ones. */
function asking(rules: Partial<ClientRules<Client>>): Stage {
  return stage<Voter, ElectionMessage>({ ...right, client: { ...right.client!, ...rules } })
}

function sentWritesTo(client: Client, address: string): Call[] {
  return [...client.calls.values()].filter((call) => call.address === address && call.sent && !call.repeatable)
}

/** Wrong rules for a client whose leader may be gone. */
export const wrongClients: readonly WrongRule[] = [
  {
    name: 'broken-connection-called-refusal',
    what: 'a client whose connection broke says that its write was refused: the leader may have replicated it before',
    stage: asking({
      disconnected(client, address, reason) {
        for (const call of sentWritesTo(client, address)) failWith(client, call, 'unreachable', reason)
        disconnected(client, address, reason)
      },
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 60 },
  },
  {
    name: 'deadline-called-refusal',
    what: 'a client whose deadline has passed says that its write was refused: it may be committed yet',
    stage: asking({
      elapsed(client, now) {
        for (const call of client.calls.values())
          if (call.deadline <= now) failWith(client, call, 'unreachable', 'no answer in time')
        right.client!.elapsed(client, now)
      },
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 20 },
  },
  {
    name: 'write-sent-again',
    what: 'a client whose connection broke asks another node for the same write: it may be performed twice, or done and then refused',
    stage: asking({
      disconnected(client, address, reason) {
        const calls = sentWritesTo(client, address)
        for (const call of calls) {
          call.sent = false
          call.address = next(client, address)
        }
        disconnected(client, address, reason)
        for (const call of calls) dispatch(client, call)
      },
    }),
    caught: { guarantee: 'G12', climate: 'storm', seeds: 60 },
  },
  {
    name: 'redirect-not-followed',
    what: 'a client asks the node that it knows and no other: after an election nothing is done for it any more',
    stage: asking({
      answered(client, address, id, answer) {
        const isRedirect = !answer.ok && answer.error.code === 'not_leader'
        const call = client.calls.get(id as number)
        if (isRedirect && call?.sent) return failWith(client, call, 'not_leader', answer.error.message)
        answeredDuringElection(client, address, id, answer)
      },
    }),
    caught: { guarantee: 'G10', climate: 'storm', seeds: 10 },
  },
]
