import type { Operation } from './history.js'

/** The state of one key: its value; null if absent. */
export type State = string | null

/** A result that means: no register in this state could have given the recorded answer. */
export const impossible: unique symbol = Symbol('impossible')

/**
 * The sequential specification of one key: gives the state after an operation that found the key in `state` and gave
 * the recorded answer, or {@link impossible}. An operation of unknown outcome may have answered anything.
 */
export function step(state: State, operation: Operation): State | typeof impossible {
  const { command, outcome, answer } = operation
  if (outcome === 'refused') return stepOfRefused(state, operation)
  const done = outcome === 'done'
  switch (command.command) {
    case 'get':
      return done && answer?.value !== state ? impossible : state
    case 'set':
      return command.value
    case 'delete':
      return done && answer?.existed !== (state !== null) ? impossible : null
    case 'append': {
      const length = (state?.length ?? 0) + command.value.length
      return done && answer?.length !== length ? impossible : (state ?? '') + command.value
    }
    case 'cas':
      if (state === command.expected) return command.value
      return done ? impossible : state
  }
}

/**
 * Performs a refused operation, which changes nothing. A `cas_mismatch` tells the state that it found, which the client
 * did not expect.
 */
function stepOfRefused(state: State, { command, error }: Operation): State | typeof impossible {
  if (command.command !== 'cas' || error?.code !== 'cas_mismatch') return state
  if (state === command.expected) return impossible
  return error.actual === undefined || error.actual === state ? state : impossible
}

/** Checks that the operation can neither change the key nor be contradicted by it, so that a check may leave it out. */
export function isIrrelevant({ command, outcome, error }: Operation): boolean {
  if (outcome === 'unknown') return command.command === 'get'
  return outcome === 'refused' && (error?.code !== 'cas_mismatch' || error.actual === undefined)
}

/**
 * Checks that the operation leaves the key unchanged in every state in which its answer is possible: all reads, and
 * also, say, a delete that found nothing.
 */
export function isObservation({ command, outcome, answer }: Operation): boolean {
  if (outcome === 'refused') return true
  if (outcome === 'unknown') return false
  switch (command.command) {
    case 'get':
      return true
    case 'delete':
      return answer?.existed === false
    case 'cas':
      return command.expected === command.value
    case 'append':
      return command.value === '' && answer?.length !== 0
    case 'set':
      return false
  }
}

/** Gives the one state in which the operation has an effect or its answer; undefined where several states would do. */
export function requiredState({ command, outcome, answer, error }: Operation): State | undefined {
  if (outcome === 'refused') return error?.actual
  switch (command.command) {
    case 'get':
      return answer?.value
    case 'cas':
      return command.expected
    case 'delete':
      return answer?.existed === false ? null : undefined
    case 'set':
    case 'append':
      return undefined
  }
}

/**
 * Gives the state that the operation leaves wherever it takes effect; undefined where it depends on the state before.
 */
export function resultingState({ command }: Operation): State | undefined {
  switch (command.command) {
    case 'set':
    case 'cas':
      return command.value
    case 'delete':
      return null
    case 'get':
    case 'append':
      return undefined
  }
}
