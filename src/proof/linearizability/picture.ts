import { jsonLine, oneLine } from '../../text.js'
import type { Operation } from './history.js'
import type { Before } from './initial.js'
import type { State } from './model.js'

const maximumLines = 40
const axisWidth = 48
const columnsPerMoment = 4

/** Quotes a text for a person, and leaves out its middle if it is long. */
export function quote(state: State): string {
  if (state === null) return 'absent'
  return jsonLine(state.length > 24 ? `${state.slice(0, 10)}…${state.slice(-10)}` : state)
}

/** Describes an operation without its client: the command and the answer. */
export function describe({ command, answer, error }: Operation): string {
  switch (command.command) {
    case 'get':
      return `get -> ${answer?.value === undefined ? '?' : quote(answer.value)}`
    case 'set':
      return `set ${quote(command.value)}`
    case 'delete':
      return `delete${answer?.existed === undefined ? '' : answer.existed ? ' -> existed' : ' -> found nothing'}`
    case 'append':
      return `append ${quote(command.value)}${answer?.length === undefined ? '' : ` -> length ${answer.length}`}`
    case 'cas': {
      const found = error?.actual === undefined ? '' : ` -> found ${quote(error.actual)}`
      return `cas ${quote(command.expected)} to ${quote(command.value)}${found}`
    }
  }
}

/** Draws operations one below the other, each with its interval on one time axis; time goes to the right. */
export function drawWindow(window: readonly Operation[], impossible: Operation, before: Before): string {
  const held = before === 'anything' ? 'whatever it held before' : 'absent at first'
  const shown = window.filter((operation, at) => operation === impossible || at >= window.length - maximumLines)
  const column = axisOf(shown)
  const rows = shown.map((operation) => ({
    client: oneLine(String(operation.client), 24),
    description: describe(operation),
    bar: barOf(operation, column),
    ending: operation === impossible ? `${operation.outcome}   <- no order explains this answer` : operation.outcome,
  }))
  const width = (field: 'client' | 'description' | 'bar') => Math.max(...rows.map((row) => row[field].length))
  const [clients, descriptions, bars] = [width('client'), width('description'), width('bar')]
  const lines = rows.map(
    ({ client, description, bar, ending }) =>
      `  ${client.padEnd(clients)}  ${description.padEnd(descriptions)}  ${bar.padEnd(bars)}  ${ending}`,
  )
  if (shown.length < window.length) lines.unshift(`  (${window.length - shown.length} earlier operations not drawn)`)
  return [`key ${quote(impossible.command.key)}, ${held}:`, ...lines].join('\n')
}

/** Makes the axis, which gives each moment its column: moments are drawn in order, not to scale. */
function axisOf(operations: readonly Operation[]): (moment: number) => number {
  const moments = new Set(operations.flatMap((operation) => [operation.call, endOf(operation) ?? operation.call]))
  const ranks = new Map([...moments].sort((a, b) => a - b).map((moment, rank) => [moment, rank]))
  const scale = Math.min(columnsPerMoment, axisWidth / ranks.size)
  return (moment) => Math.round(ranks.get(moment)! * scale)
}

function barOf(operation: Operation, column: (moment: number) => number): string {
  const end = endOf(operation)
  const start = column(operation.call)
  const indent = ' '.repeat(start)
  if (end === undefined) return `${indent}├───>`
  const length = column(end) - start
  return length === 0 ? `${indent}┼` : `${indent}├${'─'.repeat(length - 1)}┤`
}

/** Gives the moment of the answer; undefined if the outcome is unknown, because no moment ends the operation then. */
function endOf({ outcome, return: returned }: Operation): number | undefined {
  return outcome === 'unknown' ? undefined : returned!
}
