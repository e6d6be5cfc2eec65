import { type Index, isPositive, type Message } from '../../src/contracts.js'
import type { StageFacts } from '../../src/stage.js'
import { appendEntriesOf } from '../4-log-replication/messages.js'
import { entriesOfLeaders } from '../6-leader-election/messages.js'
import type { CompactionMessage } from '../7-log-compaction/messages.js'
import { isConfiguration } from './configuration.js'

/** The leader to a node that is to be taken in: who are you? It bears no term: nobody is a member by it. */
export interface Introduce extends Message {
  readonly type: 'Introduce'
}

/** The answer: the disk that it has. So it is known to run, and to be reached, before anything is changed for it. */
export interface Introduction extends Message {
  readonly type: 'Introduction'
  readonly incarnation: string
  /** Which cluster it has heard of, by its founder's disk; empty if of none. */
  readonly origin: string
}

/** To a node that is no member any more: the configuration of this index is committed, and you are not in it. */
export interface Removed extends Message {
  readonly type: 'Removed'
  readonly index: Index
}

export type MembershipMessage = CompactionMessage | Introduce | Introduction | Removed

type Candidate = Readonly<Record<string, unknown>>

const isName = (candidate: unknown) => typeof candidate === 'string' && candidate.length <= 64

/** What the messages of this stage must hold when they come from the wire. */
export const membershipWire = (facts: Pick<StageFacts, 'commands' | 'operations'>) => ({
  AppendEntries: appendEntriesOf(facts, { ...entriesOfLeaders, configuration: isConfiguration }),
  Introduce: () => true,
  Introduction: ({ incarnation, origin }: Candidate) => isName(incarnation) && incarnation !== '' && isName(origin),
  Removed: ({ index }: Candidate) => isPositive(index),
})
