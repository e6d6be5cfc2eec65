import type { Operation } from '../../src/proof/linearizability/index.js'

/** Operations on a key from which on those before a settled one are forgotten. */
const manyOperations = 64
/** Operations on a key, at most: more of them are under way at once than a page can judge. */
const mostOperations = 400

/** An operation of which the outcome may still come. */
export interface Call {
  operation: Operation
  readonly key: string
}

/** The calls on one key that still matter for what may be answered next. */
export class KeyHistory {
  #calls: Call[] = []
  /** Bytes of keys and values that are held. */
  bytes = 0
  /** The contents of the key before the first of the calls. */
  before: 'absent' | 'anything'

  constructor(before: 'absent' | 'anything') {
    this.before = before
  }

  get operations(): readonly Operation[] {
    return this.#calls.map(({ operation }) => operation)
  }

  /** True if nothing that was asked so far can have an effect later: the key can be forgotten, and begun anew. */
  get isQuiet(): boolean {
    return this.#calls.every(({ operation }) => operation.outcome !== 'unknown')
  }

  /** True if more calls are under way at once than can be judged. */
  get isTooMuch(): boolean {
    return this.#calls.length > mostOperations
  }

  add(call: Call): void {
    this.#calls.push(call)
    this.bytes += bytesOf(call)
  }

  /** Replaces a call's operation by the one with its outcome. */
  end(call: Call, operation: Operation): void {
    this.bytes -= bytesOf(call)
    call.operation = operation
    this.bytes += bytesOf(call)
  }

  /**
   * Forgets what came before the last call that ran alone and fixes what the key held. Calls of unknown outcome stay:
   * they may have their effect later. So no answer is explained worse than before, and what was judged stays judged.
   */
  forget(): void {
    if (this.#calls.length < manyOperations) return
    const from = this.#lastAlone()
    if (from <= 0) return
    const stays = ({ operation }: Call, at: number) => at >= from || isOpenWrite(operation)
    this.#calls = this.#calls.filter(stays)
    this.bytes = this.#calls.reduce((sum, call) => sum + bytesOf(call), 0)
    this.before = 'anything'
  }

  /** Finds the last call, in the order of their beginnings, that overlaps none whose outcome is known; -1 if none. */
  #lastAlone(): number {
    const nextCall = this.#calls.map(() => Number.POSITIVE_INFINITY)
    for (let at = this.#calls.length - 2; at >= 0; at--) nextCall[at] = this.#calls[at + 1]!.operation.call
    let lastReturn = Number.NEGATIVE_INFINITY
    let found = -1
    for (const [at, { operation }] of this.#calls.entries()) {
      const { call, return: returned, outcome } = operation
      const isAlone = lastReturn < call && returned !== null && returned < nextCall[at]!
      if (isAlone && fixesState(operation)) found = at
      if (outcome !== 'unknown') lastReturn = Math.max(lastReturn, returned!)
    }
    return found
  }
}

/** Checks whether a call tells what the key holds once it is done, whatever it held before. */
const fixesState = ({ outcome, command }: Operation) => outcome === 'done' && command.command !== 'append'

const isOpenWrite = ({ outcome, command }: Operation) => outcome === 'unknown' && command.command !== 'get'

function bytesOf({ operation: { command, answer } }: Call): number {
  const { key, value = '', expected } = command as { key: string; value?: string; expected?: string | null }
  return 64 + key.length + value.length + (expected?.length ?? 0) + (answer?.value?.length ?? 0)
}
