import { stripVTControlCharacters } from 'node:util'

/** Rows as aligned columns, the first row being the heads; colours do not disturb the widths. */
export function table(rows: readonly (readonly string[])[]): string {
  const length = (cell: string) => stripVTControlCharacters(cell).length
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => length(row[column] ?? ''))))
  const pad = (cell: string, column: number) => cell + ' '.repeat(widths[column]! - length(cell))
  return rows.map((row) => row.map(pad).join('  ').trimEnd()).join('\n')
}
