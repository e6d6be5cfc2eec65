import type { GuaranteeId } from '../../src/contracts.js'
import {
  type Cell,
  type ColumnName,
  columnName,
  driverNames,
  grounds,
  type Mark,
  marks,
  restsOn,
} from '../../src/proof/cell.js'
import { guaranteeIds } from '../../src/proof/declared.js'
import { guarantees } from '../../src/proof/guarantees.js'
import type { Matrix } from '../../src/proof/matrix.js'
import { colour } from '../text/colour.js'
import { table } from '../text/table.js'

const paint: Readonly<Record<Mark, (text: string) => string>> = {
  holds: colour.green,
  violated: colour.red,
  unavailable: colour.yellow,
  'not applicable': colour.dim,
  untested: colour.magenta,
}

/** Prints a verdict's sign in its colour. */
export function sign(mark: Mark): string {
  return paint[mark](marks[mark].sign)
}

/** Explains the signs that a matrix uses. */
export function legend(used: readonly Mark[], show: (mark: Mark) => string = (mark) => marks[mark].sign): string {
  const shown = (Object.keys(marks) as Mark[]).filter((mark) => mark !== 'untested' || used.includes(mark))
  return shown.map((mark) => `${show(mark)} ${marks[mark].means}`).join(' · ')
}

/** Prints the matrix for a terminal: the witnesses come first, so that the table remains on the screen. */
export function matrixAsText(matrix: Matrix): string {
  const rows = guaranteeIds.map((id) => [
    colour.bold(id),
    ...matrix.stages.map(({ number }) => sign(cellAt(matrix, number, id).verdict)),
    guarantees[id],
  ])
  const stages = matrix.stages.map(({ number, title }) => `${number} ${title}`).join(', ')
  const parts = [
    ...witnesses(matrix),
    `${table([['', ...matrix.stages.map(({ number }) => colour.bold(String(number))), ''], ...rows])}`,
    [
      colour.dim(`stages: ${stages}`),
      legend(
        matrix.cells.map(({ verdict }) => verdict),
        sign,
      ),
      ...groundsOf(matrix).map((line) => colour.dim(line)),
      ...notPlayed(matrix),
    ].join('\n'),
    conclusion(matrix),
  ]
  return parts.join('\n\n')
}

export function cellAt(matrix: Matrix, stage: ColumnName, id: GuaranteeId): Cell {
  return matrix.cells.find((cell) => cell.stage === stage && cell.guarantee === id)!
}

export function problemsOf(matrix: Matrix): string[] {
  return matrix.cells.flatMap(({ problem }) => problem ?? [])
}

/** Tells how many trials all verdicts rest on, by driver, and which plays on record do not count; a sentence each. */
export function groundsOf({ cells, onHosts: { days, stale } }: Matrix): string[] {
  const trials = cells.flatMap(({ trials }) => trials)
  const counts = grounds.flatMap((ground) => {
    const count = trials.filter(({ driver }) => driver === ground).length
    return count > 0 ? [`${count} ${ground === 'virtual' ? 'in' : 'on'} ${driverNames[ground]}`] : []
  })
  const until = days.length > 1 ? ` to ${days.at(-1)}` : ''
  const told = days.length > 0 ? `; those on hosts are on record, of ${days[0]}${until}` : ''
  const unlike = `${stale.length} on hosts do not count, because the script or the stage has changed since`
  return [
    ...(counts.length > 0 ? [`trials: ${counts.join(', ')}${told}`] : []),
    ...(stale.length > 0
      ? [`${unlike}: ${stale.slice(0, mostStale).join(', ')}${stale.length > mostStale ? ', …' : ''}`]
      : []),
  ]
}

/** Plays on record that are named where they no longer count. */
const mostStale = 5

function notPlayed({ notPlayed: ids }: Matrix): string[] {
  return ids.length > 0 ? [colour.dim(`not played, for want of real processes: ${ids.join(', ')}`)] : []
}

function conclusion(matrix: Matrix): string {
  const problems = problemsOf(matrix)
  if (problems.length === 0) return colour.green('every verdict is as the stages say of themselves')
  return problems.map((problem) => colour.red(`WRONG: ${problem}`)).join('\n')
}

/**
 * Prints the witness of each violation and standstill, in the order of guarantees; a witness that several stages share
 * comes once.
 */
function witnesses(matrix: Matrix): string[] {
  return guaranteeIds.flatMap((id) => {
    const told = new Map<string, Cell[]>()
    for (const { number } of matrix.stages) {
      const cell = cellAt(matrix, number, id)
      const story = cell.witness?.lines.join('\n').replaceAll(columnName(number), 'stage')
      if (story !== undefined) told.set(story, [...(told.get(story) ?? []), cell])
    }
    return [...told.values()].map((cells) => tellWitness(id, cells))
  })
}

function tellWitness(id: GuaranteeId, cells: readonly Cell[]): string {
  const numbers = colour.bold(cells.map(({ stage }) => stage).join(', '))
  const { verdict, witness } = cells.at(-1)!
  const { lines, replay } = witness!
  const what = cells.length > 1 ? 'stages ' : typeof cells[0]!.stage === 'number' ? 'stage ' : ''
  const head = `${paint[verdict](`${marks[verdict].sign} ${id}`)} at ${what}${numbers}: ${guarantees[id]} (${restsOn(cells.at(-1)!)})`
  return [head, ...lines.map((line) => `  ${line}`), colour.dim(`  again: ${replay}`)].join('\n')
}

/** Prints the matrix as a Markdown table. The caller says whether its verdicts are computed or declared. */
export function matrixAsMarkdown<Column extends ColumnName>(
  stages: readonly { readonly number: Column; readonly title: string }[],
  verdict: (stage: Column, id: GuaranteeId) => Mark,
): string {
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const numbers = stages.map(({ number }) => number)
  const body = guaranteeIds.map((id) =>
    row([`**${id}** ${guarantees[id]}`, ...numbers.map((number) => marks[verdict(number, id)].sign)]),
  )
  const used = guaranteeIds.flatMap((id) => numbers.map((number) => verdict(number, id)))
  const heads = stages.map(({ number, title }) => (typeof number === 'number' ? String(number) : `${number} ${title}`))
  const head = [row(['guarantee', ...heads]), `|---|${':-:|'.repeat(numbers.length)}`]
  return [...head, ...body, '', legend(used)].join('\n')
}
