import type { Operation } from './history.js'
import type { Before } from './initial.js'
import { isObservation, requiredState, resultingState, type State } from './model.js'
import { describe, quote } from './picture.js'

/** Writes one plain sentence that says what is impossible about an answer, given all operations on its key. */
export function reasonFor(
  impossible: Operation,
  window: readonly Operation[],
  operations: readonly Operation[],
  before: Before,
): string {
  const state = requiredState(impossible)
  const named = `${impossible.client}'s ${describe(impossible)}`
  const known = state === undefined ? undefined : reasonForState(impossible, state, window, operations, before)
  return known ? `Impossible: ${named}, but ${known}.` : `Impossible: no order of these operations explains ${named}.`
}

function reasonForState(
  impossible: Operation,
  state: State,
  window: readonly Operation[],
  operations: readonly Operation[],
  before: Before,
): string | undefined {
  const asked = operations.filter(({ call }) => call <= impossible.return!)
  const writers = asked.filter((operation) => mayLeave(state, operation))
  const writersNotRefused = writers.filter(({ outcome }) => outcome !== 'refused')
  if (writersNotRefused.length === 0 && before === 'absent' && state !== null) {
    const refused = writers[0]
    if (!refused) return `nobody had asked for anything that leaves ${quote(state)}`
    return `only ${refused.client}'s ${describe(refused)} would have left that, and it was refused`
  }
  const lastChance = writersNotRefused.reduce((last, writer) => Math.max(last, lastMoment(writer)), -Infinity)
  const isTooLateFor = (operation: Operation) =>
    overwrites(state, operation) && lastMoment(operation) < impossible.call && lastChance < operation.call
  // An operation that the picture shows, if there is one.
  const overwriter = window.find(isTooLateFor) ?? asked.findLast(isTooLateFor)
  if (!overwriter) return undefined
  const whatWas = state === null ? 'nothing removed the key' : `nothing wrote ${quote(state)}`
  return `${overwriter.client}'s ${describe(overwriter)} was done before ${impossible.client} asked, and ${whatWas} after it`
}

function lastMoment({ outcome, return: returned }: Operation): number {
  return outcome === 'unknown' ? Infinity : returned!
}

/** Checks whether the key may hold this state after the operation, had it been performed. */
function mayLeave(state: State, operation: Operation): boolean {
  const { command } = operation
  if (command.command === 'append') return state?.endsWith(command.value) ?? false
  return command.command !== 'get' && resultingState(operation) === state
}

/** Checks that the key certainly did not hold this state just after the operation. */
function overwrites(state: State, operation: Operation): boolean {
  if (operation.outcome !== 'done' || isObservation(operation)) return false
  return !mayLeave(state, operation)
}
