import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ConfigError } from '../../src/errors.js'
import type { Stage } from '../../src/stage.js'
import { stages } from '../../stages/index.js'

/** The folder of compiled files, in which the compiled stages are. */
const compiled = fileURLToPath(new URL('../../', import.meta.url))
/** The folder of the package. */
const root = dirname(compiled)

/** Gives the path of a stage's lesson. */
export const lessonOf = ({ name }: Stage) => join(root, 'stages', name, 'README.md')

/** Lists the compiled modules of a stage, as paths of their sources: `stages/2-naive-replication/replicate.ts`. */
function modulesOf({ name }: Stage): string[] {
  const files = readdirSync(join(compiled, 'stages', name)).filter((file) => file.endsWith('.js'))
  return files.map((file) => posix.join('stages', name, file.replace(/\.js$/, '.ts')))
}

/** Loads the exports of a stage's file, from its compiled twin. */
export async function exportsOf(source: string): Promise<Readonly<Record<string, unknown>>> {
  return import(new URL(`../../${source.replace(/\.ts$/, '.js')}`, import.meta.url).href)
}

/**
 * Finds the home of each exported function and object of the stages, by identity. A function that is a member of an
 * exported object, and no export itself, has the home of that object.
 */
export async function homes(): Promise<ReadonlyMap<unknown, string>> {
  const found = new Map<unknown, string>()
  const members: [member: unknown, source: string][] = []
  for (const source of stages.flatMap(modulesOf)) {
    if (source.endsWith('/stage.ts')) continue
    for (const value of Object.values(await exportsOf(source))) {
      found.set(value, source)
      if (typeof value !== 'object' || value === null) continue
      for (const member of Object.values(value)) if (typeof member !== 'string') members.push([member, source])
    }
  }
  for (const [member, source] of members) if (!found.has(member)) found.set(member, source)
  return found
}

/** Reads the text of a stage's file. @throws ConfigError where the package came without its sources */
export function sourceOf(path: string): string {
  const file = join(root, path)
  if (!existsSync(file)) {
    throw new ConfigError(`${relative('', file)} is not here: printing a stage needs the sources beside dist/`)
  }
  return readFileSync(file, 'utf8')
}

export interface ImportStatement {
  /** The whole statement, with its line end. */
  readonly text: string
  /** The text between `import` and `from`. */
  readonly clause: string
  /** A path of the project (`src/contracts.ts`), or the name of a package. */
  readonly target: string
}

/** Lists the import statements of a file, in order; the house style puts each at the start of a line. */
export function importsOf(path: string, text: string): ImportStatement[] {
  return [...text.matchAll(/^import\b([^;'"]*?)\bfrom '([^']+)'\n/gm)].map(([text, clause, specifier]) => ({
    text,
    clause: clause!.trim(),
    target: specifier!.startsWith('.')
      ? posix.join(posix.dirname(path), specifier!).replace(/\.js$/, '.ts')
      : specifier!,
  }))
}
