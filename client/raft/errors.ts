import { type ErrorCode, errorCodes } from '../../src/contracts.js'

/** Error codes that only a node inside a program has. */
const raftCodes = {
  bad_command: { definite: true, means: 'the command cannot be replicated; the message says what is wrong with it' },
  closed: { definite: true, means: 'the node is closed, or its state machine has failed' },
  compacted: { definite: true, means: 'the log does not have the entry any more: a snapshot holds it' },
} as const

export type RaftErrorCode = ErrorCode | keyof typeof raftCodes

/** All codes of {@link RaftError}, each with its meaning. A definite error says that nothing was done, now or later. */
export const raftErrorCodes: Readonly<Record<RaftErrorCode, { readonly definite: boolean; readonly means: string }>> = {
  ...errorCodes,
  ...raftCodes,
}

/**
 * An error of a call to a node. `outcome` is `refused` if nothing was done, now or later; `unknown` if the command may
 * have been done, or may still be.
 */
export class RaftError extends Error {
  override readonly name = 'RaftError'
  readonly code: RaftErrorCode
  readonly outcome: 'refused' | 'unknown'
  /** The name of the node that leads, where the refusal names one. */
  readonly leader: string | undefined
  /** The end of the leader's log, where a guard has failed. */
  readonly last: { readonly index: number; readonly term: number } | undefined

  constructor(
    code: RaftErrorCode,
    message: string,
    { definite = raftErrorCodes[code].definite, leader, last, cause }: ErrorDetails = {},
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.outcome = definite ? 'refused' : 'unknown'
    this.leader = leader
    this.last = last
  }
}

interface ErrorDetails {
  /** True if nothing was done, now or later; as the code says if it is left out. */
  readonly definite?: boolean
  readonly leader?: string | undefined
  readonly last?: RaftError['last']
  readonly cause?: unknown
}
