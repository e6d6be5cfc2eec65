import { guarantees } from '../guarantees.js'
import type { Mark } from './expectation.js'
import type { Played, Scenario, Verdict } from './scenario.js'

/** One statement that was played. Its outcome may be known only later, so an entry is filled in. */
export interface Entry {
  text: string
  readonly comment: boolean
  outcome: string
  mark: Mark
  /** The expectation that was not met, for a line that is marked. */
  expected: string
  /** Details of what is wrong, a line each. */
  detail: readonly string[]
  /** The rounds of a `repeat`. */
  readonly rounds: Entry[][]
}

/** An entry as a line; lines of a round are indented. */
interface Row extends Omit<Entry, 'rounds'> {
  readonly indent: string
}

/** Lines of a witness at most, its headline included. */
const mostLines = 10
/** Lines of a witness that may tell details of one fault. */
const mostDetail = 6
/** Widths of the columns up to which lines are aligned. */
const widest = { text: 44, outcome: 28 }

const signs: Readonly<Record<Verdict, string>> = {
  holds: '✔ holds',
  violated: '✘ violated',
  unavailable: '◌ safe but unavailable',
}

export function verdictOf(entries: readonly Entry[]): Verdict {
  const marks = entries.flatMap(({ mark, rounds }) => [mark, ...rounds.map(verdictOf)])
  if (marks.includes('violated')) return 'violated'
  return marks.includes('unavailable') ? 'unavailable' : 'holds'
}

type Told = Pick<Played, 'verdict' | 'transcript' | 'outcomes' | 'witness'>

/** Tells a play on nodes that are so called: its verdict, the whole transcript, and for a violation the part that proves it. */
export function tell(scenario: Scenario, subject: string, where: string, entries: readonly Entry[]): Told {
  const verdict = verdictOf(entries)
  const rows = toRows(entries, '')
  const width = {
    text: widthOf(rows, ({ indent, text }) => indent + text, widest.text),
    outcome: widthOf(rows, ({ outcome }) => outcome, widest.outcome),
  }
  const lines = rows.map((row) => [format(row, width), ...row.detail.map((line) => `${row.indent}    ${line}`)])
  const headline = `${scenario.id} ${scenario.title} · ${subject}, ${where}`
  const moral = `${signs[verdict]}: ${scenario.guarantee} ${guarantees[scenario.guarantee]}`
  const transcript = [headline, '', ...lines.flat(), '', moral].map((line) => line.trimEnd())
  const outcomes = entries.map(({ outcome }) => outcome)
  return { verdict, transcript, outcomes, witness: witness(verdict, rows, lines, headline) }
}

/** Makes rows of entries; of the rounds of a `repeat`, only the first wrong one is shown. */
function toRows(entries: readonly Entry[], indent: string): Row[] {
  return entries.flatMap(({ rounds, ...entry }): Row[] => {
    if (rounds.length === 0) return [{ ...entry, indent }]
    const verdicts = rounds.map(verdictOf)
    const wrong = verdicts.includes('violated') ? verdicts.indexOf('violated') : verdicts.indexOf('unavailable')
    if (wrong < 0) return [{ ...entry, indent, outcome: `${rounds.length} rounds, all as expected` }]
    const end: Row = { ...entry, indent, text: 'end' }
    return [{ ...entry, indent, outcome: `round ${wrong + 1}` }, ...toRows(rounds[wrong]!, `${indent}  `), end]
  })
}

function widthOf(rows: readonly Row[], cell: (row: Row) => string, most: number): number {
  const told = rows.filter(({ comment }) => !comment)
  return Math.min(most, Math.max(0, ...told.map((row) => cell(row).length)))
}

function format({ indent, text, comment, outcome, mark, expected }: Row, width: { text: number; outcome: number }) {
  if (comment) return indent + text
  const said = `${(indent + text).padEnd(width.text)}  ${outcome}`
  if (mark === 'fine') return said.trimEnd()
  const sign = mark === 'violated' ? '✘' : '◌'
  const wanted = expected === '' ? '' : ` expected ${expected}`
  return `${said.padEnd(width.text + 2 + width.outcome)}  ${sign}${wanted}`
}

/** Selects the first wrong line, and the lines that led to it, as far as there is room. */
function witness(verdict: Verdict, rows: readonly Row[], lines: readonly (readonly string[])[], headline: string) {
  const wrong = rows.findIndex(({ mark }) => mark === verdict)
  if (wrong < 0) return []
  const proof = lines[wrong]!.slice(0, 1 + mostDetail)
  const before = lines.slice(0, wrong).filter((_, at) => !rows[at]!.comment)
  const room = mostLines - 1 - proof.length
  return [headline, ...before.map(([line]) => line!).slice(-room), ...proof]
}
