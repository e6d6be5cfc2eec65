import { type Index, isPositive, type Message } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import type { CompactionMessage } from '../7-log-compaction/messages.js'
import type { Loss } from './volatile.js'

/** The leader to a node that is to be taken in: who are you? It bears no term: nobody is a member by it. */
export interface Introduce extends Message {
  readonly type: 'Introduce'
}

/**
 * The answer bears the disk that it has and the cluster that it knows, as every message does. So a newcomer is known to
 * run, and to be reached, before anything is changed for it.
 */
export interface Introduction extends Message {
  readonly type: 'Introduction'
}

/** To a node that is no member any more: the configuration of this index is committed, and you are not in it. */
export interface Removed extends Message {
  readonly type: 'Removed'
  readonly index: Index
}

/** To a node under whose name the cluster knows another disk, or whose disk is older than what it has acknowledged. */
export interface Displaced extends Message {
  readonly type: 'Displaced'
  /** The configuration that says so, which is committed. */
  readonly index: Index
  /** Of the node that is meant: two may bear one name. */
  readonly disk: string
  readonly why: Loss
}

export type MembershipMessage = CompactionMessage | Introduce | Introduction | Removed | Displaced

/** What the messages of this stage are, and what they must hold when they come from the wire. None bears a term. */
export const membershipMessages = {
  Introduce: { kind: 'asks who', check: () => true },
  Introduction: { kind: 'says who', check: () => true },
  Removed: { kind: 'dismisses', check: ({ index }) => isPositive(index) },
  Displaced: {
    kind: 'dismisses',
    check: ({ index, disk, why }) =>
      isPositive(index) && typeof disk === 'string' && disk.length <= 64 && (why === 'replaced' || why === 'older'),
  },
} satisfies Record<string, MessageFacts>
