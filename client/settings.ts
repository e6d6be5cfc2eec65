import type { ReadPolicy } from '../src/contracts.js'
import type { ReadsAndWrites } from './commands-of.js'
import type { ClientTls } from './tls.js'

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
  /**
   * The commands of the application that the cluster serves, if it is another than the key-value store: of each, whether
   * it reads or writes. A write is a call of the client's session; a read may be asked again, and at any node. A command
   * that is not named is asked once.
   */
  readonly application?: ReadsAndWrites
  /**
   * The token that is shown first on each connection, if the cluster demands tokens; or a function that gives it, called
   * for each connection. A token that is refused ends calls with the code `unauthenticated`, at once.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined
  /**
   * The certificates, for a cluster that speaks TLS: `{ ca: 'ca.crt', cert: 'client.crt', key: 'client.key' }`. Files are
   * read when the client is made, and again, once a minute at most, when it connects.
   */
  readonly tls?: ClientTls | undefined
}

/** A wait that a caller may end. */
export interface Waiting {
  /**
   * Ends the waiting when it is aborted. A read, and a call that was not begun, are refused then (`left`, `aborted`);
   * a write is unknown (`left`): it may be done, or may still be.
   */
  readonly signal?: AbortSignal | undefined
}

/** Settings of a scan. */
export interface ScanSettings extends Waiting {
  /** Entries that one page has at most; 100 if it is left out, and 1000 at most. */
  readonly pageKeys?: number | undefined
}

export interface CallSettings extends Waiting {
  /** Milliseconds after which the call ends without an answer; those of the client if they are left out. */
  readonly deadlineMs?: number | undefined
  /** The address of the only node to ask; a redirect from it is then the outcome. */
  readonly at?: string | undefined
  /**
   * False: this write is no call of the client's session. A command with a `session` of its own is none either. Default
   * true.
   */
  readonly session?: boolean | undefined
}

/** Settings of a read, from stage 9 on. */
export interface ReadSettings extends Waiting {
  /**
   * `linearizable` (default): the value after all writes that ended before the read began. `stale`: whatever the asked
   * node has, which may be old.
   */
  readonly consistency?: 'linearizable' | 'stale' | undefined
  /** The index of an entry that the node must have performed before it answers, such as that of one's own last write. */
  readonly atLeast?: number | undefined
}
