import { escapedLines } from '../../text.js'
import type { Operation } from './history.js'
import { type Before, initialStates } from './initial.js'
import { isIrrelevant, isObservation, requiredState, resultingState } from './model.js'
import { drawWindow } from './picture.js'
import { reasonFor } from './reason.js'
import { search } from './search.js'

export interface Explanation {
  readonly impossible: Operation
  readonly window: readonly Operation[]
  readonly before: Before
  readonly explanation: string
}

/**
 * Finds a few operations that contradict each other by themselves, and draws them.
 *
 * Every reduction on the way keeps this true: if the whole history had a legal order, the smaller one would have one
 * too. So what is left, having none, is a genuine witness and not an artefact of what was left out.
 */
export function explain(operations: readonly Operation[], suspected: Operation, before: Before): Explanation {
  const shrinking = new Shrinking(before)
  const local = shrinking.findWitness(upTo(suspected, operations), suspected)
  const impossible = local ? suspected : shrinking.endEarly(operations, suspected)
  const beginning = upTo(impossible, operations)
  const witness = local ?? shrinking.findWitness(beginning, impossible) ?? { claims: beginning, before }
  const kept = new Set(shrinking.dropUnneeded(witness, impossible).map(({ original }) => original))
  const window = operations.filter((operation) => kept.has(operation)).sort((a, b) => a.call - b.call)
  const picture = drawWindow(window, impossible, witness.before)
  const reason = reasonFor(impossible, window, operations, before)
  return { impossible, window, before: witness.before, explanation: escapedLines(`${picture}\n${reason}`) }
}

/** Checks whether a few operations, up to the suspected one, are contradictory by themselves. */
export function isContradictory(operations: readonly Operation[], suspected: Operation, before: Before): boolean {
  return new Shrinking(before).findWitness(upTo(suspected, operations), suspected) !== undefined
}

/** Claims that contradict each other, given an assumption about the key before. */
interface Witness {
  readonly claims: readonly Claim[]
  readonly before: Before
}

/** A claim is an operation as far as the witness relies on it: possibly on less than the history says. */
interface Claim {
  readonly original: Operation
  readonly operation: Operation
}

/**
 * Weakens some claims to "if it had taken effect by then, it would have had this answer". An observation has no effect,
 * and so claims nothing then.
 */
function weaken(claims: readonly Claim[], isWeakened: (claim: Claim) => boolean): Claim[] {
  return claims.flatMap((claim) => {
    if (!isWeakened(claim)) return [claim]
    return isObservation(claim.operation) ? [] : [{ ...claim, operation: { ...claim.operation, return: null } }]
  })
}

/** Collects the operations called by the time of the impossible answer, weakened if answered only later. */
function upTo(impossible: Operation, operations: readonly Operation[]): Claim[] {
  const end = impossible.return!
  const called = operations.filter((operation) => operation.call <= end && !isIrrelevant(operation))
  const claims = called.map((operation) => ({ original: operation, operation }))
  return weaken(claims, (claim) => returnOf(claim) > end)
}

/**
 * Collects the operations that were not over at a moment, weakened if called before: they may have taken effect before.
 */
function from(moment: number, claims: readonly Claim[]): Claim[] {
  const open = claims.filter((claim) => returnOf(claim) >= moment)
  return weaken(open, ({ operation }) => operation.call < moment)
}

function returnOf({ operation }: Claim): number {
  return operation.outcome === 'unknown' ? Infinity : (operation.return ?? Infinity)
}

/** Steps that finding and shrinking a witness may cost; when they are spent, the window so far is a witness as well. */
const maximumSteps = 4_000_000
/** Bytes that finding and shrinking a witness may hold. */
const maximumBytes = 256 * 1024 * 1024
/** Steps that the start of a search costs for each operation. */
const stepsPerClaim = 10

class Shrinking {
  readonly #before: Before
  #stepsLeft = maximumSteps

  constructor(before: Before) {
    this.#before = before
  }

  /**
   * Finds the first operation, by return, whose answer is impossible given all operations before it. It is the
   * suspected one, unless the search failed too early, because a later read showed that no order would do; then it is
   * found from there on.
   */
  endEarly(operations: readonly Operation[], suspected: Operation): Operation {
    if (this.#fails(upTo(suspected, operations), this.#before)) return suspected
    const later = operations
      .filter((operation) => operation.outcome !== 'unknown' && operation.return! >= suspected.return!)
      .sort((a, b) => a.return! - b.return!)
    const at = firstThat(later.length, (index) => this.#fails(upTo(later[index]!, operations), this.#before))
    return later.at(at ?? -1)!
  }

  /** Finds a witness without a search from the beginning, if there is one. */
  findWitness(claims: readonly Claim[], impossible: Operation): Witness | undefined {
    const alone = claims.filter(({ original }) => original === impossible)
    const others = new Set(claims.filter(({ original }) => original !== impossible))
    if (mayDrop(others, alone) && this.#fails(alone, this.#before)) return { claims: alone, before: this.#before }
    const late = this.#startLate(claims, impossible)
    return late && { claims: late, before: 'anything' }
  }

  /**
   * Finds the operations from the latest moment on that are contradictory whatever the key held then; undefined if
   * there is no such moment.
   */
  #startLate(claims: readonly Claim[], impossible: Operation): Claim[] | undefined {
    const calls = new Set(claims.map(({ operation }) => operation.call))
    const moments = [...calls].filter((call) => call <= impossible.call).sort((a, b) => b - a)
    const at = firstThat(moments.length, (index) => this.#fails(from(moments[index]!, claims), 'anything'))
    return at === undefined ? undefined : from(moments[at]!, claims)
  }

  /**
   * Leaves out all operations that the contradiction does not need, large parts first. A part is left out only if every
   * legal order stays legal without it: observations, and writes whose results no remaining operation could have
   * observed.
   */
  dropUnneeded({ claims, before }: Witness, impossible: Operation): Claim[] {
    const others = claims.filter(({ original }) => original !== impossible)
    const observations = others.filter(({ operation }) => isObservation(operation))
    const writes = others.filter(({ operation }) => !isObservation(operation))
    return this.#drop(writes, this.#drop(observations, claims, before), before)
  }

  #drop(concerned: readonly Claim[], claims: readonly Claim[], before: Before): Claim[] {
    let kept = [...claims]
    for (let size = concerned.length; size >= 1 && this.#stepsLeft > 0; size = Math.floor(size / 2)) {
      for (let end = concerned.length; end > 0 && this.#stepsLeft > 0; end -= size) {
        const part = new Set(concerned.slice(Math.max(0, end - size), end))
        const rest = kept.filter((claim) => !part.has(claim))
        if (rest.length === kept.length || !mayDrop(part, rest)) continue
        if (this.#fails(rest, before)) kept = rest
      }
    }
    return kept
  }

  #fails(claims: readonly Claim[], before: Before): boolean {
    const operations = claims.map(({ operation }) => operation)
    const states = initialStates(before, operations)
    if (states === undefined || this.#stepsLeft <= 0) return false
    const { verdict, steps } = search(operations, states, { steps: this.#stepsLeft, bytes: maximumBytes })
    this.#stepsLeft -= steps + stepsPerClaim * claims.length
    return verdict === 'violation'
  }
}

/** Checks that any legal order stays legal when a part is taken out. */
function mayDrop(part: ReadonlySet<Claim>, rest: readonly Claim[]): boolean {
  const others = rest.map(({ operation }) => operation)
  const required = new Set(others.map(requiredState).filter((state) => state !== undefined))
  const observesAll = others.some(({ command }) => command.command === 'append')
  const observesExistence = others.some(({ command, answer }) => command.command === 'delete' && answer?.existed)
  for (const { operation } of part) {
    if (isObservation(operation)) continue
    const result = resultingState(operation)
    if (observesAll || (observesExistence && result !== null)) return false
    if (result === undefined ? required.size > 0 : required.has(result)) return false
  }
  return true
}

/**
 * Finds the first index from which on a condition holds; undefined if it never does. The search goes in growing
 * strides, because the index is usually near, where a test is cheap; then it bisects.
 */
function firstThat(count: number, holds: (index: number) => boolean): number | undefined {
  let before = -1
  let found = 0
  while (!holds(found)) {
    if (found === count - 1) return undefined
    before = found
    found = Math.min(2 * found + 1, count - 1)
  }
  while (before + 1 < found) {
    const middle = (before + found) >>> 1
    if (holds(middle)) found = middle
    else before = middle
  }
  return found
}
