import { widthOf } from './table.js'

export const defaultColumns = 80

/**
 * Reads the columns of a terminal. A pipe tells none, and a terminal without a window tells 0: both get `otherwise`.
 */
export function columnsOf(output: { columns?: number }, otherwise = defaultColumns): number {
  return output.columns || otherwise
}

/**
 * Wraps sentences into lines that fit a terminal: broken between words, the rest of each line indented. A word longer
 * than a line stays whole; colours take no room.
 */
export function wrapped(text: string, columns = defaultColumns, indent = '    '): string {
  return text
    .split('\n')
    .map((line) => wrappedLine(line, columns, indent))
    .join('\n')
}

function wrappedLine(line: string, columns: number, indent: string): string {
  if (widthOf(line) <= columns) return line
  const lines: string[] = []
  let current = ''
  for (const [at, word] of line.split(' ').entries()) {
    const longer = at === 0 ? word : `${current} ${word}`
    const isFull = widthOf(longer) > columns && current.trim() !== ''
    if (isFull) lines.push(current.trimEnd())
    current = isFull ? `${indent}${word}` : longer
  }
  return [...lines, current].join('\n')
}
