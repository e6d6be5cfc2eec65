/** `npm run docs`: writes the generated parts of the documents. The tidy test holds what is written against this. */
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { stages } from '../stages/index.js'

/** The project's folder, seen from the compiled file. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

const begin = '<!-- roadmap:begin -->'
const end = '<!-- roadmap:end -->'

/** The table of stages, from the stages' own tables. */
function roadmapTable(): string {
  const rows = stages.map(
    ({ number, name, title, adds, stillBroken }) =>
      `| ${number} | [${title}](stages/${name}/README.md) | ${adds} | ${stillBroken} |`,
  )
  return ['| stage | | adds | still broken after it |', '|---|---|---|---|', ...rows].join('\n')
}

/** ROADMAP.md as it should be: what stands between the two marks is generated. */
export function withGeneratedParts(document: string): string {
  const [before, rest] = document.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`ROADMAP.md has lost its marks ${begin} and ${end}`)
  return `${before}${begin}\n${roadmapTable()}\n${end}${after}`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = `${root}ROADMAP.md`
  writeFileSync(path, withGeneratedParts(readFileSync(path, 'utf8')))
}
