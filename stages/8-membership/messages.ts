import { type Index, isPositive, type Message } from '../../src/contracts.js'
import type { MessageFacts } from '../../src/stage.js'
import type { CompactionMessage } from '../7-log-compaction/messages.js'
import type { Loss } from './volatile.js'

/** The leader to a newcomer: who are you? The message bears no term, because no node becomes a member by it. */
export interface Introduce extends Message {
  readonly type: 'Introduce'
}

/**
 * A newcomer's answer. It bears the disk and the cluster of its sender, as every message does: the leader knows then
 * that the newcomer runs and can be reached.
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
  /** The index of the committed configuration that says so. */
  readonly index: Index
  /** The disk of the node that is meant: two nodes may bear one name. */
  readonly disk: string
  readonly why: Loss
}

export type MembershipMessage = CompactionMessage | Introduce | Introduction | Removed | Displaced

/**
 * Each message's kind, and the check of its fields when it comes from the wire. No message of this stage bears a term.
 */
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
