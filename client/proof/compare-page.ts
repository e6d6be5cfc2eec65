import type { GuaranteeId } from '../../src/contracts.js'
import { type Cell, type ColumnName, columnName, driverNames, marks, restsOn } from '../../src/proof/cell.js'
import { guaranteeIds } from '../../src/proof/declared.js'
import { guarantees } from '../../src/proof/guarantees.js'
import type { Matrix } from '../../src/proof/matrix.js'
import { cellAt, groundsOf, legend, problemsOf } from './compare-text.js'

/**
 * Escapes text for a page. Transcripts hold values that clients wrote, so no text is trusted; characters that a
 * terminal would obey are replaced by a visible sign.
 */
export function escapeHtml(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
  return text.replace(/[&<>"']/g, (character) => entities[character]!).replace(/[^\P{Cc}\n]/gu, '\ufffd')
}

/** Finds the lesson of a stage, as a link from the page; null if the page has none. */
export type LessonLink = (stage: ColumnName) => string | null

/**
 * Prints the matrix as one page that needs no network and no script. A verdict opens its evidence; a stage's name leads
 * to its lesson.
 */
export function matrixAsPage(matrix: Matrix, lessonOf: LessonLink = () => null): string {
  const heads = matrix.stages.map((stage) => `<th scope="col" role="columnheader">${head(stage, lessonOf)}</th>`)
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Which stage keeps which promise</title>
<style>${style}</style>
</head>
<body>
<main>
<h1>Which stage keeps which promise</h1>
<p>Every verdict comes from running the stage: scenarios, and seeds of the simulator. Plays on hosts are on record. Each sign in a box opens what it
rests on; behind each ${marks.violated.sign} and each ${marks.unavailable.sign} is the run that shows it. Esc closes.</p>
${problems(matrix)}
<table role="table" style="--stages: ${matrix.stages.length}">
<thead><tr role="row"><th scope="col" role="columnheader">Guarantee</th>${heads.join('')}</tr></thead>
<tbody>
${guaranteeIds.map((id) => row(matrix, id)).join('\n')}
</tbody>
</table>
<p>${legend(matrix.cells.map(({ verdict }) => verdict))}</p>
${groundsOf(matrix)
  .map((line) => `<p>${escapeHtml(line)}</p>`)
  .join('\n')}
${matrix.cells.map(evidence).join('')}
</main>
</body>
</html>
`
}

function head({ number, title }: Matrix['stages'][number], lessonOf: LessonLink): string {
  const name = `<b>${number}</b> <span>${escapeHtml(title)}</span>`
  const lesson = lessonOf(number)
  return lesson === null ? name : `<a href="${escapeHtml(lesson)}" title="the lesson">${name}</a>`
}

function problems(matrix: Matrix): string {
  const lines = problemsOf(matrix).map((problem) => `<li>${escapeHtml(problem)}</li>`)
  return lines.length > 0 ? `<ul class="problems">${lines.join('')}</ul>` : ''
}

function row(matrix: Matrix, id: GuaranteeId): string {
  const cells = matrix.stages.map(({ number }) => field(cellAt(matrix, number, id)))
  return `<tr role="row"><th scope="row" role="rowheader"><b>${id}</b> ${escapeHtml(guarantees[id])}</th>${cells.join('')}</tr>`
}

const name = ({ stage, guarantee }: Cell) => `stage-${stage}-${guarantee}`

function field(cell: Cell): string {
  const { sign, means } = marks[cell.verdict]
  const label = `${cell.guarantee} at ${columnName(cell.stage)}: ${means}`
  if (cell.trials.length === 0) return `<td role="cell"><span role="img" aria-label="${label}">${sign}</span></td>`
  const kind = cell.problem ? `${cell.verdict} wrong` : cell.verdict
  return `<td role="cell"><button class="${kind}" popovertarget="${name(cell)}" title="${restsOn(cell)}" aria-label="${label}">${sign}</button></td>`
}

/** Prints the evidence of a verdict: its trials, and its witness. */
function evidence(cell: Cell): string {
  if (cell.trials.length === 0) return ''
  const { guarantee, stage, verdict, trials, witness, problem } = cell
  const ran = trials.map(
    ({ trial, verdict, note, driver }) =>
      `<li>${marks[verdict].sign} ${escapeHtml(trial)} <small>${escapeHtml(note)} · ${driverNames[driver]}</small></li>`,
  )
  const proof = witness
    ? `<pre tabindex="0">${witness.lines.map(escapeHtml).join('\n')}</pre>
<p>Again: <code>${escapeHtml(witness.replay)}</code></p>`
    : ''
  return `<section popover id="${name(cell)}" aria-label="${guarantee} at ${columnName(stage)}">
<h2>${marks[verdict].sign} ${guarantee} at ${columnName(stage)}: ${marks[verdict].means}</h2>
<p>${escapeHtml(guarantees[guarantee])}</p>
<p>Rests on ${restsOn(cell)}.</p>
${problem ? `<p class="problems">${escapeHtml(problem)}</p>` : ''}${proof}
<ul>${ran.join('')}</ul>
</section>
`
}

const style = `
:root { color-scheme: light dark; --page: #fff; --ink: #1f2328; --good: #1a7f37; --bad: #b3121f; --so: #8a5a00;
  --line: #d0d7de; --soft: #f3f5f7 }
@media (prefers-color-scheme: dark) { :root { --page: #0d1117; --ink: #e6edf3; --good: #56d364; --bad: #ff7b72;
  --so: #e3b341; --line: #3d444d; --soft: #1c2129 } }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: var(--page); color: var(--ink) }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem }
h1 { font-size: 1.6rem } h2 { font-size: 1.1rem; margin: 0 } small { opacity: .75 }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .1rem .5rem; text-align: center }
th:first-child { text-align: left; font-weight: normal; padding-left: 0 } th b { display: inline-block; width: 2.4rem }
thead th { vertical-align: bottom } thead th + th { writing-mode: vertical-rl; rotate: 180deg; text-align: left;
  padding: .5rem .1rem; font-weight: normal; white-space: nowrap }
a { color: inherit; text-underline-offset: .2em }
tbody td { height: 2.1rem }
tbody tr:hover { background: var(--soft) }
button { font: inherit; font-size: 1.1rem; min-width: 2.2rem; min-height: 1.9rem; border: 1px solid var(--line);
  border-radius: .4rem; background: none; cursor: pointer }
button:hover { background: var(--line) } :focus-visible { outline: 3px solid #4c8dff; outline-offset: 1px }
.holds { color: var(--good) } .violated { color: var(--bad); font-weight: bold } .unavailable, .untested { color: var(--so) }
.wrong { box-shadow: inset 0 0 0 2px var(--bad) } .problems { color: var(--bad) }
[popover] { box-sizing: border-box; max-width: min(60rem, 94vw); max-height: 80vh; overflow: auto; border: 1px solid var(--line);
  border-radius: .6rem; padding: 1rem 1.25rem; color: var(--ink); background: var(--page); box-shadow: 0 8px 40px #0006 }
[popover]::backdrop { background: #0005 }
@media (max-width: 44rem) {
  main { padding: .75rem } tr { display: grid; grid-template-columns: repeat(var(--stages), 1fr) }
  tr > :first-child { grid-column: 1 / -1; border-bottom: 0; padding-top: .4rem } td { padding: .1rem 0 }
  button { min-width: 0; width: 92% } thead th + th { justify-self: center; max-height: 9rem; overflow: hidden }
}
pre { overflow-x: auto; background: var(--soft); padding: .75rem; border-radius: .4rem; font: .85rem/1.45 ui-monospace, monospace }
code { font: .85rem ui-monospace, monospace; background: var(--soft); padding: .1rem .3rem; border-radius: .3rem }
@media print { [popover] { display: block; position: static; box-shadow: none; break-inside: avoid; max-height: none } }
`
