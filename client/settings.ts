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
}

export interface CallSettings {
  readonly deadlineMs?: number
  /** The address of the only node to ask; a redirect from it is then the outcome. */
  readonly at?: string
}
