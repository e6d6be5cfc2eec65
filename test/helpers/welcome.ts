import type { Identity, NodeId, Status } from '../../src/contracts.js'
import type { AnyMessage, Selection } from './hand.js'

/** Cores run by hand, as far as a question for pre-votes needs them. */
interface Asked {
  status(id: NodeId): Status
  identity(id: NodeId): Identity | null
  take(selection: Selection): AnyMessage[]
  receive(message: AnyMessage): void
}

/** Every node that this one asks whether it would elect it says yes, whatever it would say itself. */
export function welcome(cores: Asked, id: NodeId): void {
  const { term: voterTerm } = cores.status(id)
  for (const { from: to, to: from, round } of cores.take({ type: 'PreVote', from: id })) {
    const yes = { type: 'PreVoteReply', from, to, round, preVoteGranted: true, voterTerm, leader: null }
    cores.receive({ ...yes, ...cores.identity(from) })
  }
}
