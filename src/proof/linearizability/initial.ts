import type { Operation } from './history.js'
import { isIrrelevant, requiredState, type State } from './model.js'

/** The contents of a key before a history: `absent`, nothing; `anything`, absent or any value whatever. */
export type Before = 'absent' | 'anything'

/** Initial states that are tried at most. */
const maximumStates = 1000

/**
 * Finds initial states to try, such that every other state behaves like one of them; undefined if they are too many.
 *
 * A value matters if an operation requires it, if appends make a required value of it, or if an append found its
 * length. All other values behave like one fresh value.
 */
export function initialStates(before: Before, operations: readonly Operation[]): State[] | undefined {
  if (before === 'absent') return [null]
  const relevant = operations.filter((operation) => !isIrrelevant(operation))
  const appended = relevant.flatMap(({ command }) => (command.command === 'append' ? [command.value] : []))
  const required = relevant.map(requiredState).filter((state) => typeof state === 'string')
  const ends = appended.filter((end) => end !== '')
  const values = closure(required, ends.length, (value) =>
    ends.filter((end) => value.endsWith(end)).map((end) => value.slice(0, value.length - end.length)),
  )
  const lengths = closure(relevant.flatMap(roomOf), ends.length, (length) =>
    ends.filter((end) => end.length <= length).map((end) => length - end.length),
  )
  if (values === undefined || lengths === undefined) return undefined
  const fresh = freshCharacter(relevant)
  const longest = Math.max(0, ...lengths)
  return [null, '', ...values, ...[...lengths, longest + 1].map((length) => fresh.repeat(length))]
}

function roomOf({ command, outcome, answer }: Operation): number[] {
  if (command.command !== 'append' || outcome !== 'done') return []
  const room = answer!.length! - command.value.length
  return room < 0 ? [] : [room]
}

/** Collects the items that some number of steps leads to; undefined if they are too many. */
function closure<Item>(
  first: readonly Item[],
  steps: number,
  more: (item: Item) => readonly Item[],
): Set<Item> | undefined {
  const found = new Set(first)
  let latest = [...found]
  for (let step = 0; step < steps && latest.length > 0; step++) {
    if (found.size > maximumStates) return undefined
    latest = [...new Set(latest.flatMap(more))].filter((item) => !found.has(item))
    for (const item of latest) found.add(item)
  }
  return found.size > maximumStates ? undefined : found
}

/** Finds a character that no value of the history has. */
export function freshCharacter(operations: readonly Operation[]): string {
  const texts = operations.flatMap(({ command, answer, error }) => [
    'value' in command ? command.value : '',
    'expected' in command ? (command.expected ?? '') : '',
    answer?.value ?? '',
    error?.actual ?? '',
  ])
  let code = 0xe000
  while (texts.some((text) => text.includes(String.fromCharCode(code)))) code++
  return String.fromCharCode(code)
}
