import { portable } from './codec.js'
import type { Committed, StateMachine } from './machine.js'

/** A small state machine as plain functions. */
export interface Reducer<S, C, R, Q, A> {
  /** The state before the first command: plain JSON. */
  readonly initial: S
  /** Gives the next state, and the result of the command. It leaves the present state as it is. */
  readonly apply: (state: S, command: C, place: Place) => { readonly state: S; readonly result: R }
  /** Answers a query. */
  readonly query?: (state: S, query: Q) => A
}

/** The place of a command in the log. */
type Place = Pick<Committed<unknown>, 'index' | 'term'>

/**
 * Makes a state machine of a reducer. Its state is plain JSON: a snapshot is the state as text.
 *
 * @throws RaftError `bad_command` if JSON would lose a part of the initial state
 */
export function reducer<S, C, R, Q = never, A = never>(parts: Reducer<S, C, R, Q, A>): StateMachine<C, R, Q, A> {
  let state = portable(parts.initial, 'initial').value as S
  const { query } = parts
  return {
    apply: (batch) =>
      batch.map(({ command, index, term }) => {
        const next = parts.apply(state, command, { index, term })
        state = next.state
        return next.result
      }),
    ...(query && { query: (asked: Q) => query(state, asked) }),
    snapshot: () => JSON.stringify(portable(state, 'state').value),
    async restore(text) {
      let whole = ''
      for await (const piece of text) whole += piece
      state = JSON.parse(whole) as S
    },
  }
}
