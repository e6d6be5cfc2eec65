/** `npm run docs`: writes the generated parts of the documents. The tidy test holds what is written against this. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { cellAt, matrixAsMarkdown, problemsOf } from '../client/proof/compare-text.js'
import { players, scenarios } from '../client/proof/players.js'
import { tableAsMarkdown } from '../client/text/stage-table.js'
import { declared } from '../src/proof/declared.js'
import { computeMatrix } from '../src/proof/matrix.js'
import type { Stage } from '../src/stage.js'
import { stages } from '../stages/index.js'
import { pictures } from './pictures/pictures.js'

/** The project's folder, seen from the compiled file. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Enough for each climate to break what it can break. */
const seeds = 20

/** The table of stages, from the stages' own tables. */
function roadmapTable(): string {
  const rows = stages.map(
    ({ number, name, title, adds, stillBroken }) =>
      `| ${number} | [${title}](stages/${name}/README.md) | ${adds} | ${stillBroken} |`,
  )
  return ['| stage | | adds | still broken after it |', '|---|---|---|---|', ...rows].join('\n')
}

/** The matrix as the stages declare it, without running them; the matrix test proves that it is the computed one. */
function declaredMatrix(): string {
  return matrixAsMarkdown(stages, (number, id) => declared(stages[number]!, id))
}

async function computedMatrix(): Promise<string> {
  const matrix = await computeMatrix({ stages, scenarios: scenarios(), seeds, players, complete: true })
  for (const problem of problemsOf(matrix)) console.error(problem)
  return matrixAsMarkdown(stages, (number, id) => cellAt(matrix, number, id).verdict)
}

/** ROADMAP.md as it should be: what stands between two marks is generated. */
export function withGeneratedParts(document: string, matrix = declaredMatrix()): string {
  return between('matrix', matrix, between('roadmap', roadmapTable(), document))
}

/** A lesson as it should be: the stage's whole table stands between two marks. */
export async function withTable(stage: Stage, lesson: string): Promise<string> {
  return between('table', await tableAsMarkdown(stage), lesson)
}

/** A lesson as it should be: each picture that the rules draw stands between its marks. */
export function withPictures(stage: Stage, lesson: string): string {
  const drawn = Object.entries(pictures[stage.number] ?? {})
  return drawn.reduce((text, [name, draw]) => {
    const lines = draw(stage)
    return between(`lanes:${name}`, ['<!-- a picture -->', '```', ...lines, '```'].join('\n'), text)
  }, lesson)
}

/** The pages with examples. */
export const pagesWithExamples = ['client/raft/README.md', 'client/raft/channel.md']

/** A page of the library as it should be: each example stands behind its mark. */
export function withExamples(page: string): string {
  return page.replaceAll(/<!-- (examples\/[a-z-]+\.ts) -->\n```ts\n.*?```/gs, (_, path: string) => {
    const example = readFileSync(`${root}client/raft/${path}`, 'utf8')
    return `<!-- ${path} -->\n\`\`\`ts\n${example}\`\`\``
  })
}

function between(name: string, part: string, document: string): string {
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [before, rest] = document.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`a document has lost its marks ${begin} and ${end}`)
  return `${before}${begin}\n${part}\n${end}${after}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const stage of stages) {
    const lesson = `${root}stages/${stage.name}/README.md`
    writeFileSync(lesson, withPictures(stage, await withTable(stage, readFileSync(lesson, 'utf8'))))
  }
  for (const name of pagesWithExamples)
    writeFileSync(`${root}${name}`, withExamples(readFileSync(`${root}${name}`, 'utf8')))
  const path = `${root}ROADMAP.md`
  writeFileSync(path, withGeneratedParts(readFileSync(path, 'utf8'), await computedMatrix()))
}
