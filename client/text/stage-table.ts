import { relative } from 'node:path/posix'
import { lists, partsOf, type Rule, rulesOf } from '../../src/proof/difference.js'
import type { Stage } from '../../src/stage.js'
import { stages } from '../../stages/index.js'
import { homes } from './stage-files.js'

/** A row of the printed table: slots of one group, the rules in them, and the file that is the rules' home. */
interface Row {
  readonly group: string
  readonly keys: readonly string[]
  readonly names: readonly string[]
  readonly file: string
}

/**
 * Prints the whole table of a stage as Markdown, with the rules that it takes from earlier stages: slot, rule, file.
 */
export async function tableAsMarkdown(stage: Stage): Promise<string> {
  const home = await homes()
  const rows = rulesOf(stage).flatMap((rule) =>
    partsOf(rule.value).map((part, at) => toRow(rule, part, at, home.get(part) ?? whereMade(rule))),
  )
  const lines = together(rows).map(({ group, keys, names, file }, at, all) => {
    const first = all[at - 1]?.group === group ? '' : `\`${group}\``
    const path = relative(`stages/${stage.name}`, file)
    return `| ${first} | ${keys.join(', ')} | ${names.join(', ')} | [${file.replace('stages/', '')}](${path}) |`
  })
  const title = `The whole table of stage ${stage.number}, with all that it takes over from earlier stages`
  const head = ['<details>', `<summary>${title}</summary>`, '', '| slot | | rule | file |', '|---|---|---|---|']
  return [...head, ...lines, '', '</details>'].join('\n')
}

/**
 * Makes a row of a rule. A rule of a list has no key but its place; a rule that is not the first of its slot stands
 * below the first.
 */
function toRow({ slot, name }: Rule, part: unknown, at: number, file: string): Row {
  const [group, key] = slot.split('.') as [string, string?]
  const own = typeof part === 'function' && part.name !== '' ? part.name : name
  const hasKey = at === 0 && key !== undefined && !lists.some((list) => list === group)
  return { group, keys: hasKey ? [key] : [], names: [own], file }
}

/** Finds the home of a value that a table makes itself: the first table that has it. */
function whereMade({ slot, value }: Rule): string {
  const first = stages.find((stage) => rulesOf(stage).some((rule) => rule.slot === slot && rule.value === value))
  return `stages/${first!.name}/stage.ts`
}

/**
 * Joins neighbouring slots to one row if they hold the same rule, or rules of one file that bear their slots' names.
 */
function together(rows: readonly Row[]): Row[] {
  const joined: Row[] = []
  const isNamesake = ({ keys, names }: Row) => keys.join() === names.join()
  for (const [at, row] of rows.entries()) {
    const last = joined.at(-1)
    const isAlone = row.keys.length > 0 && rows[at + 1]?.keys.length !== 0
    const isOfOne = last?.group === row.group && last.file === row.file && last.keys.length > 0
    const keys = [...(last?.keys ?? []), ...row.keys]
    if (isOfOne && isAlone && last.names.join() === row.names.join()) joined.splice(-1, 1, { ...last, keys })
    else if (isOfOne && isAlone && isNamesake(last) && isNamesake(row))
      joined.splice(-1, 1, { ...last, keys, names: keys })
    else joined.push(row)
  }
  return joined
}
