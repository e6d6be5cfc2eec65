/** Errors of etcd in the words of this project: what is refused, and what is unknown. */
import { status } from '@grpc/grpc-js'
import { type ErrorCode, failure, type Refusal } from '../../../src/contracts.js'
import type { EtcdError } from './api.js'

/** Sentences of etcd that share a code of gRPC with others, and what each says of the call. */
const sentences: readonly (readonly [text: string, code: ErrorCode])[] = [
  ['etcdserver: no leader', 'no_leader'],
  ['etcdserver: not leader', 'not_leader'],
  // Raft at the asked node took no entry: nobody leads, or the leader is handing over.
  ['raft proposal dropped', 'no_leader'],
  ['etcdserver: leader changed', 'leadership_lost'],
  ['etcdserver: request timed out', 'timeout'],
  ['etcdserver: server stopped', 'left'],
  ['etcdserver: unhealthy cluster', 'quorum_at_risk'],
  ['etcdserver: re-configuration failed', 'quorum_at_risk'],
  ['etcdserver: can only promote a learner', 'not_caught_up'],
  ['etcdserver: bad leader transferee', 'transfer_failed'],
  ['etcdserver: request is too large', 'too_large'],
  ['etcdserver: authentication failed', 'unauthenticated'],
]

/** The other codes of gRPC: all but the last are refusals of etcd, before anything of the call is done. */
const codes: Partial<Readonly<Record<status, ErrorCode>>> = {
  [status.INVALID_ARGUMENT]: 'bad_request',
  [status.NOT_FOUND]: 'bad_request',
  [status.ALREADY_EXISTS]: 'bad_request',
  [status.FAILED_PRECONDITION]: 'bad_request',
  [status.PERMISSION_DENIED]: 'permission_denied',
  [status.UNAUTHENTICATED]: 'unauthenticated',
  [status.UNIMPLEMENTED]: 'unknown_command',
  [status.OUT_OF_RANGE]: 'compacted',
  [status.RESOURCE_EXHAUSTED]: 'overloaded',
  [status.DEADLINE_EXCEEDED]: 'timeout',
}

/**
 * The failed answer that an error of etcd stands for. What is not known to be a refusal is unknown: the write may have
 * been proposed.
 */
export function answerOf({ code, message }: EtcdError): Refusal {
  if (message.startsWith('etcdserver: user name is empty'))
    return failure('unauthenticated', `etcd asks for a user, who is named with --user (${message})`)
  const known = sentences.find(([text]) => message.startsWith(text))?.[1]
  return failure(known ?? codes[code] ?? 'left', message)
}

/**
 * The failed answer to a question that changes nothing. Such a question was certainly not done, and may be asked again:
 * an etcd that cannot confirm its leader is one without a leader, for who reads.
 */
export function answerToRead(error: EtcdError): Refusal {
  const answer = answerOf(error)
  return answer.error.definite ? answer : failure('no_leader', error.message)
}
