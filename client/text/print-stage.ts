import { byGroup, rulesOf } from '../../src/proof/difference.js'
import type { Stage } from '../../src/stage.js'
import { stages } from '../../stages/index.js'
import { exportsOf, type ImportStatement, importsOf, sourceOf } from './stage-files.js'

const isTable = (path: string) => path.endsWith('/stage.ts')
const isOfStages = (path: string) => path.startsWith('stages/')
const tableOf = (stage: Stage) => `stages/${stage.name}/stage.ts`

interface Part {
  readonly path: string
  readonly text: string
  readonly imports: readonly ImportStatement[]
}

function part(path: string): Part {
  const text = sourceOf(path)
  return { path, text, imports: importsOf(path, text) }
}

/**
 * Prints the whole node of a stage as one text: its table, then every file that the table still reaches, in stage
 * order, and within a stage each file after the files that it imports. Imports are left out, since the same text, or a
 * door, has what they name.
 */
export async function printStage(stage: Stage): Promise<string> {
  const table = part(tableOf(stage))
  const parts = [table, ...inStageOrder(await reachedFrom(stage, table))]
  const packages = parts.flatMap(({ imports }) => imports.filter(({ target }) => !/^(src|stages)\//.test(target)))
  const head = [
    `// Stage ${stage.number}, ${stage.title.toLowerCase()}: the whole node, printed by \`npx raft-roadmap print ${stage.number}\`.`,
    ...doors(parts),
    '',
    ...new Set(packages.map(({ text }) => text.trimEnd())),
  ]
  return `${head.join('\n').trimEnd()}\n${parts.map((one) => show(one, stage)).join('')}`
}

/**
 * Finds the rule files behind a table. A table takes rules from earlier tables; a file all of whose rules it has
 * replaced is no part of the node any more. The identity of functions decides.
 */
async function reachedFrom(stage: Stage, table: Part): Promise<Part[]> {
  const rules = new Set(rulesOf(stage).map(({ value }) => value))
  const stillUsed = async (path: string) => {
    const values = Object.values(await exportsOf(path))
    return values.some((value) => rules.has(value) || members(value).some((member) => rules.has(member)))
  }
  const reached = new Map<string, Part>()
  const tables = new Set([table.path])
  const follow = async ({ path, imports }: Part): Promise<void> => {
    for (const { target } of imports) {
      if (!isOfStages(target) || reached.has(target) || tables.has(target)) continue
      if (isTable(target)) {
        tables.add(target)
        await follow(part(target))
      } else if (path === table.path || !isTable(path) || (await stillUsed(target))) {
        const next = part(target)
        await follow(next)
        reached.set(target, next)
      }
    }
  }
  await follow(table)
  return [...reached.values()]
}

function members(value: unknown): unknown[] {
  return typeof value === 'object' && value !== null ? Object.values(value) : []
}

/** Sorts files by stage. Sorting is stable: within a stage, an imported file stays before the file that imports it. */
function inStageOrder(parts: readonly Part[]): Part[] {
  return [...parts].sort((a, b) => numberOf(a.path) - numberOf(b.path))
}

function numberOf(path: string): number {
  return Number(/^stages\/(\d+)-/.exec(path)![1])
}

/** Lists the names of the text that come from doors, with the file of each door. */
function doors(parts: readonly Part[]): string[] {
  const names = new Map<string, Set<string>>()
  for (const { target, clause } of parts.flatMap(({ imports }) => imports)) {
    if (!target.startsWith('src/')) continue
    const known = names.get(target) ?? new Set()
    names.set(target, known)
    for (const name of namesIn(clause)) known.add(name)
  }
  return [...names].sort().flatMap(([door, known]) => comment(`From ${door}:`, [...known].sort().join(', ')))
}

function namesIn(clause: string): string[] {
  const names = clause.replace(/^type\b|[{}]/g, '').split(',')
  return names.map((name) => name.trim().replace(/^type /, '')).filter((name) => name !== '')
}

/** Formats words as comment lines of at most 110 characters, behind a head that stands out to the left. */
function comment(head: string, text: string): string[] {
  const lines = [`// ${head}`]
  for (const word of text.split(' ')) {
    if (lines.at(-1)!.length + word.length > 109) lines.push(`// ${' '.repeat(head.length)}`)
    lines.push(`${lines.pop()} ${word}`)
  }
  return lines
}

function show({ path, text, imports }: Part, stage: Stage): string {
  const number = numberOf(path)
  const heading = `// ---- stage ${number}, ${stages[number]!.title.toLowerCase()}: ${path} `.padEnd(118, '-')
  const body = imports.reduce((rest, statement) => rest.replace(statement.text, ''), text).trim()
  const said = [...renamed(imports), ...(path === tableOf(stage) ? rulesInPlace(stage) : [])]
  return `\n${[heading, ...said, '', body].join('\n')}\n`
}

/** Tells the reader where a file imports a rule under another name. */
function renamed(imports: readonly ImportStatement[]): string[] {
  return imports.flatMap(({ clause, target }) => {
    if (!isOfStages(target)) return []
    const aliases = namesIn(clause).map((name) => / as /.test(name) && name.split(' as '))
    const other = aliases.flatMap((names) => (names ? [`// Here ${names[1]} is ${names[0]} of ${target}.`] : []))
    const table = /^\w+/.exec(clause)?.[0]
    return table && table !== 'type' ? [...other, `// Here ${table}.table is the table of ${target}.`] : other
  })
}

/** Prints the table with the rules that it takes from earlier tables: which function does what. */
function rulesInPlace(stage: Stage): string[] {
  const lines = byGroup(rulesOf(stage)).flatMap(([group, members]) => {
    const said = members.map(({ key, name }) => (key === name ? name : `${key}: ${name}`))
    return comment(`  ${group.padEnd(10)}`, said.join(', '))
  })
  return ['// With all that it takes over from the stages before:', ...lines]
}
