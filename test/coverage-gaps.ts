/** A branch of a rule that no test takes, and why none can. */
export interface Gap {
  readonly file: string
  /** The beginning of the branch's text. */
  readonly code: string
  readonly why: string
}

/** Branches of `stages/` that are not taken. `npm run coverage` fails at any other, and at one that is taken after all. */
export const gaps: readonly Gap[] = [
  {
    file: 'stages/4-log-replication/commit.ts',
    code: 'throw new Error(`entry',
    why: 'an assertion: the commit index never passes the end of the log, and each entry is performed once',
  },
  {
    file: 'stages/4-log-replication/log.ts',
    code: 'return null',
    why: 'leads to the assertion above: only committed entries are taken, and they are there',
  },
  {
    file: 'stages/6-leader-election/voter.ts',
    code: 'throw new Error(`term',
    why: 'an assertion: every caller has compared the terms',
  },
  {
    file: 'stages/7-log-compaction/compact-log.ts',
    code: 'throw new Error(`entry',
    why: 'an assertion: a snapshot holds committed entries, and the log agrees with every one of them',
  },
  {
    file: 'stages/8-membership/configuration.ts',
    code: ': null',
    why: 'for the compiler: the table asks this check about payloads of its own kind only',
  },
  {
    file: 'stages/8-membership/members-log.ts',
    code: 'throw new Error(`a log of the cluster',
    why: 'an assertion: the gate drops messages from another origin before they reach a log',
  },
  {
    file: 'stages/8-membership/members-log.ts',
    code: 'return',
    why: 'for the compiler: what is no configuration was refused when the entry came',
  },
  {
    file: 'stages/10-production/take-forward.ts',
    code: ': null',
    why: 'for the compiler: the check of the message has found that its entry holds a command',
  },
]
