import type { ReadPolicy } from '../src/contracts.js'

export interface ClientSettings {
  /**
   * Addresses at which nodes listen for clients, `host:port`. One is enough; with several, the client finds another
   * node when one is down.
   */
  readonly addresses: readonly string[]
  /** Milliseconds after which a call without an answer ends as unknown or refused. Default 5000. */
  readonly deadlineMs?: number
  /** Redirects to another node that one call follows. Default 5. */
  readonly maxRedirects?: number
  /**
   * True, if left out: the client opens a session at its first write, and repeats a write until its outcome is known or
   * its deadline has passed; each write happens once (stage 9 on). False: a write is asked once.
   */
  readonly session?: boolean
  /**
   * The nodes that are asked for reads, from stage 9 on: the `leader` (default); `any` member, one after the other; or
   * the `nearest`, which has answered soonest so far.
   */
  readonly reads?: ReadPolicy
}

export interface CallSettings {
  readonly deadlineMs?: number
  /** The address of the only node to ask; a redirect from it is then the outcome. */
  readonly at?: string
  /**
   * False: this write is no call of the client's session. A command with a `session` of its own is none either. Default
   * true.
   */
  readonly session?: boolean
}

/** Settings of a read, from stage 9 on. */
export interface ReadSettings {
  /**
   * `linearizable` (default): the value after all writes that ended before the read began. `stale`: whatever the asked
   * node has, which may be old.
   */
  readonly consistency?: 'linearizable' | 'stale'
  /** The index of an entry that the node must have performed before it answers, such as that of one's own last write. */
  readonly atLeast?: number
}
