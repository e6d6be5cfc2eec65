import { stripVTControlCharacters } from 'node:util'

const length = (cell: string) => stripVTControlCharacters(cell).length

/** Counts the columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  return Math.max(...text.split('\n').map(length))
}

/** Prints rows as aligned columns, with the heads in the first row; colours do not disturb the widths. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => length(row[column] ?? ''))))
  const pad = (cell: string, column: number) => cell + ' '.repeat(widths[column]! - length(cell))
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}
