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
  const impossible = shrinking.endEarly(operations, suspected)
  const beginning = upTo(impossible, operations)
  const late = shrinking.startLate(beginning, impossible)
  const witness = late ? { claims: late, before: 'anything' as const } : { claims: beginning, before }
  const kept = new Set(
    shrinking.dropUnneeded(witness.claims, impossible, witness.before).map(({ original }) => original),
  )
  const window = operations.filter((operation) => kept.has(operation)).sort((a, b) => a.call - b.call)
  const picture = drawWindow(window, impossible, witness.before)
  const reason = reasonFor(impossible, operations, before)
  return { impossible, window, before: witness.before, explanation: `${picture}\n${reason}` }
}

/** An operation as far as the witness relies on it: possibly on less than the history says. */
interface Claim {
  readonly original: Operation
  readonly operation: Operation
}

/**
 * The claims, some weakened to "if it had taken effect by then, it would have had this answer". An observation,
 * which has no effect, claims nothing then.
 */
function weaken(claims: readonly Claim[], isWeakened: (claim: Claim) => boolean): Claim[] {
  return claims.flatMap((claim) => {
    if (!isWeakened(claim)) return [claim]
    return isObservation(claim.operation) ? [] : [{ ...claim, operation: { ...claim.operation, return: null } }]
  })
}

/** What had been called by the time of the impossible answer, weakened if it was answered only later. */
function upTo(impossible: Operation, operations: readonly Operation[]): Claim[] {
  const end = impossible.return!
  const called = operations.filter((operation) => operation.call <= end && !isIrrelevant(operation))
  const claims = called.map((operation) => ({ original: operation, operation }))
  return weaken(claims, (claim) => returnOf(claim) > end)
}

/** What was not over at a moment, weakened if it had been called by then: it may have taken effect before. */
function from(moment: number, claims: readonly Claim[]): Claim[] {
  const open = claims.filter((claim) => returnOf(claim) >= moment)
  return weaken(open, ({ operation }) => operation.call < moment)
}

function returnOf({ operation }: Claim): number {
  return operation.outcome === 'unknown' ? Infinity : (operation.return ?? Infinity)
}

/** What a witness may cost to shrink; what is left when it is spent is a witness all the same. */
const maximumSteps = 2_000_000

class Shrinking {
  readonly #before: Before
  #stepsLeft = maximumSteps

  constructor(before: Before) {
    this.#before = before
  }

  /**
   * The first operation, by return, whose answer is impossible given all that came before it. The search has found
   * it, unless it knew too early from a later read that things would go wrong; then it is bisected for.
   */
  endEarly(operations: readonly Operation[], suspected: Operation): Operation {
    if (this.#fails(upTo(suspected, operations), this.#before)) return suspected
    const later = operations
      .filter((operation) => operation.outcome !== 'unknown' && operation.return! >= suspected.return!)
      .sort((a, b) => a.return! - b.return!)
    let tooEarly = -1
    let lateEnough = later.length - 1
    while (tooEarly + 1 < lateEnough) {
      const middle = (tooEarly + lateEnough) >>> 1
      if (this.#fails(upTo(later[middle]!, operations), this.#before)) lateEnough = middle
      else tooEarly = middle
    }
    return later[lateEnough]!
  }

  /**
   * The operations from the latest moment on such that they are contradictory whatever the key held then; undefined
   * if there is no such moment. Looks back in growing strides, since short ends are cheap to check, then bisects.
   */
  startLate(claims: readonly Claim[], impossible: Operation): Claim[] | undefined {
    const calls = new Set(claims.map(({ operation }) => operation.call))
    const moments = [...calls].filter((call) => call <= impossible.call).sort((a, b) => b - a)
    let tooLate = -1
    let earlyEnough = 0
    while (!this.#failsFrom(moments[earlyEnough]!, claims)) {
      if (earlyEnough === moments.length - 1) return undefined
      tooLate = earlyEnough
      earlyEnough = Math.min(2 * earlyEnough + 1, moments.length - 1)
    }
    while (tooLate + 1 < earlyEnough) {
      const middle = (tooLate + earlyEnough) >>> 1
      if (this.#failsFrom(moments[middle]!, claims)) earlyEnough = middle
      else tooLate = middle
    }
    return from(moments[earlyEnough]!, claims)
  }

  /**
   * Leaves out whatever the contradiction does not need, large parts first. Only a part is left out that no legal
   * order would miss: observations, and writes whose results nothing that stays could have observed.
   */
  dropUnneeded(claims: readonly Claim[], impossible: Operation, before: Before): Claim[] {
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

  #failsFrom(moment: number, claims: readonly Claim[]): boolean {
    return this.#fails(from(moment, claims), 'anything')
  }

  #fails(claims: readonly Claim[], before: Before): boolean {
    const operations = claims.map(({ operation }) => operation)
    const states = initialStates(before, operations)
    if (states === undefined || this.#stepsLeft <= 0) return false
    const { verdict, steps } = search(operations, states, this.#stepsLeft)
    this.#stepsLeft -= steps
    return verdict === 'violation'
  }
}

/** Whether taking a part out of any legal order leaves the rest legal. */
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
