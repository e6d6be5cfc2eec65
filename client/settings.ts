export interface ClientSettings {
  /** Where nodes listen for clients, `host:port`. One is enough; several let the client find another when one is down. */
  readonly addresses: readonly string[]
  /** How long a call may take before its outcome is settled without an answer, in milliseconds. Default 5000. */
  readonly deadlineMs?: number
  /** How many times one call may be sent on to another node. Default 5. */
  readonly maxRedirects?: number
}

export interface CallSettings {
  readonly deadlineMs?: number
  /** Ask the node at this address and no other; its redirect is then the outcome. */
  readonly at?: string
}
