import type { Operation } from './history.js'
import { isIrrelevant, requiredState, type State } from './model.js'

/** What a key may have held before a history: `absent`, nothing; `anything`, absent or any value whatever. */
export type Before = 'absent' | 'anything'

/** More initial states than this are not tried. */
const maximumStates = 1000

/**
 * The initial states to try, so few that every other one behaves like one of them; undefined if they are too many.
 *
 * A value matters by being required, by growing through appends into a required one, or by having the length that an
 * append found. All others behave like one fresh value.
 */
export function initialStates(before: Before, operations: readonly Operation[]): State[] | undefined {
  if (before === 'absent') return [null]
  const relevant = operations.filter((operation) => !isIrrelevant(operation))
  const appended = relevant.flatMap(({ command }) => (command.command === 'append' ? [command.value] : []))
  const required = relevant.map(requiredState).filter((state) => typeof state === 'string')
  const values = closure(required, (value) =>
    appended.filter((end) => end !== '' && value.endsWith(end)).map((end) => value.slice(0, value.length - end.length)),
  )
  const lengths = closure(relevant.flatMap(roomOf), (length) =>
    appended.filter((end) => end !== '' && end.length <= length).map((end) => length - end.length),
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

function closure<Item>(first: readonly Item[], more: (item: Item) => readonly Item[]): Set<Item> | undefined {
  const found = new Set(first)
  for (const item of found) {
    for (const next of more(item)) found.add(next)
    if (found.size > maximumStates) return undefined
  }
  return found
}

/** A character that no value of the history has. */
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
