import { readFileSync } from 'node:fs'
import type { Stage } from '../../src/stage.js'
import { lessonOf } from '../text/stage-files.js'
import { readScript, type Step } from './steps.js'

/** A thing to do in an experiment. */
export type Task =
  /** A cluster is started, with a line such as `npm run stage 5 -- --election 9000`. */
  | { readonly kind: 'start'; readonly line: string }
  /** A line is typed at the prompt; the lesson prints what came of it. */
  | { readonly kind: 'type'; readonly line: string; readonly printed: readonly string[] }
  /** Commands are typed in a second terminal, or lines into a connection. */
  | { readonly kind: 'outside'; readonly lines: readonly string[]; readonly printed: readonly string[] }

export interface Experiment {
  readonly title: string
  readonly tasks: readonly Task[]
  /** The lesson's own words about the experiment, without its blocks. */
  readonly prose: string
}

/** Reads the experiments of a stage's lesson, in their order: first how it is run, then what breaks it. */
export function experimentsOf(stage: Stage): Experiment[] {
  return readExperiments(readFileSync(lessonOf(stage), 'utf8'))
}

/** Finds the experiments in a lesson's text. */
export function readExperiments(document: string): Experiment[] {
  const lines = document.split('\n')
  const ends = lines.indexOf('## What still breaks')
  const heads = [...lines.entries()].flatMap(([at, line]) => {
    const title = line === '## Run it' ? 'Run it' : /^\*\*(\d+\. .+?)[.,:]?\*\*/.exec(line)?.[1]
    return title !== undefined && at < ends ? [{ at, title }] : []
  })
  const { steps } = readScript(document)
  return heads.map(({ at, title }, number) => {
    const end = heads[number + 1]?.at ?? ends
    const own = steps.filter(({ line }) => line > at && line <= end)
    return { title, tasks: tasksOf(own), prose: proseOf(lines.slice(at, end).join('\n')) }
  })
}

/** Makes tasks of steps; what is to be done outside in one go is one task. */
function tasksOf(steps: readonly Step[]): Task[] {
  const tasks: Task[] = []
  for (const { how, text, expected } of steps) {
    const before = tasks.at(-1)
    if (how === 'start') tasks.push({ kind: 'start', line: text })
    else if (how === 'repl') tasks.push({ kind: 'type', line: text, printed: expected })
    else if (how === 'look') continue
    else {
      const [lines, printed] = [typedOutside(how, text, expected), answersOf(how, expected)]
      if (before?.kind === 'outside')
        tasks[tasks.length - 1] = {
          ...before,
          lines: [...before.lines, ...lines],
          printed: [...before.printed, ...printed],
        }
      else tasks.push({ kind: 'outside', lines, printed })
    }
  }
  return tasks
}

/** The lines to type in a second terminal; of a file, its name and its text. */
function typedOutside(how: Step['how'], text: string, expected: readonly string[]): string[] {
  if (how === 'save') return [`save as ${text}:`, ...expected]
  // In a connection, lines and their answers take turns.
  if (how === 'netcat') return [...(text === '' ? [] : [`$ ${text}`]), ...expected.filter((_, at) => at % 2 === 0)]
  return [how === 'shell' ? `$ ${text}` : text]
}

function answersOf(how: Step['how'], expected: readonly string[]): string[] {
  if (how === 'save' || how === 'listing') return []
  return how === 'netcat' ? expected.filter((_, at) => at % 2 === 1) : [...expected]
}

function proseOf(text: string): string {
  return text
    .replace(/^\*\*.*?\*\*/, '')
    .replaceAll(/^ *```.*?^ *```$/gms, '')
    .replaceAll(/<!--.*?-->/gs, '')
    .replaceAll(/^## .*$/gm, '')
    .replaceAll(/\[([^\]]+)\]\([^)]+\)/g, '$1')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
}

/** Checks whether a typed line does what a lesson's line says; nodes may have other names where an election chose them. */
export function doesSame(typed: string, line: string): boolean {
  const [ones, others] = [typed, line].map((text) => text.trim().split(/\s+/)) as [string[], string[]]
  const isNode = (word: string) => /^@?(n\d+|leader|follower)$/.test(word)
  return (
    ones.length === others.length && ones.every((one, at) => one === others[at] || (isNode(one) && isNode(others[at]!)))
  )
}
