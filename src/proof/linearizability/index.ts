/** A linearizability checker for histories of a key-value store; see README.md in this folder. */
export {
  type CheckOptions,
  type CheckResult,
  checkHistory,
  defaultStepsPerKey,
  type Verdict,
  type Violation,
} from './check.js'
export {
  HistoryError,
  type KeyAnswer,
  type KeyCommand,
  type KeyError,
  type Operation,
  type Outcome,
  parseHistory,
} from './history.js'
export type { Before } from './initial.js'
export { impossible, type State, step } from './model.js'
