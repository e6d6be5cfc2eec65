import type { NodeId } from '../../contracts.js'
import type { Call, Statement } from './scenario.js'

/** Adds the nodes to a line's text: behind the words where the line begins with them, else at its end. */
export function withNodes(text: string, words: readonly string[], nodes: readonly NodeId[]): string {
  const said = words.join(' ')
  const at = text.startsWith(`${said} `) ? said.length : text.endsWith(' &') ? text.length - 2 : text.length
  return `${text.slice(0, at)} (${nodes.join(' ')})${text.slice(at)}`
}

/** Prints a line for the transcript; an expectation is printed only where it was not met. */
export function textOf(statement: Statement): string {
  if (statement.kind === 'receives') return `${statement.connection} receives`
  if (statement.kind === 'change' || statement.kind === 'hand over') return statement.text.split(' ->')[0]!.trimEnd()
  if (statement.kind === 'load') return statement.text.split(' ->')[0]!
  if (statement.kind !== 'call') return statement.text
  return `${statement.client} ${wordsOf(statement)}${statement.background ? ' &' : ''}`
}

/** The words of a call, with the fields beside the command. */
function wordsOf({ words, fields }: Call): string {
  if (Object.keys(fields).length === 0) return words
  const pin = /(\s@\w+)?$/.exec(words)![0]
  return `${words.slice(0, words.length - pin.length)} ${JSON.stringify(fields)}${pin}`
}
