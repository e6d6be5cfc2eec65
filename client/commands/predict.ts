import { guarantees } from '../../src/proof/guarantees.js'
import { textOf } from '../../src/proof/scenario/line-text.js'
import type { Played, Scenario, Statement, Verdict } from '../../src/proof/scenario/scenario.js'
import type { Stage } from '../../src/stage.js'
import { colour } from '../text/colour.js'
import { table } from '../text/table.js'
import type { Ask } from './asking.js'

/** Predictions of a person, each as it was typed; an empty one where nothing was predicted. */
export interface Predictions {
  readonly verdict: string
  /** Predicted answers, by the place of the line in the script. */
  readonly answers: ReadonlyMap<number, string>
}

const words: Readonly<Record<Verdict, string>> = { holds: 'holds', violated: 'broken', unavailable: 'stands still' }

/**
 * Shows a script without what it expects, and asks what each answer that it judges will be, and whether the stage keeps
 * the guarantee.
 */
export async function askPredictions(scenario: Scenario, stage: Stage, ask: Ask): Promise<Predictions> {
  const { id, title, about, guarantee, statements } = scenario
  console.log(colour.bold(`${id} ${title} · stage ${stage.number}`))
  console.log(`${about}\n`)
  console.log(`${linesOf(statements, '').join('\n')}\n`)
  console.log('What will happen? No answer is needed, and no score is kept: Enter goes on.')
  const answers = new Map<number, string>()
  const judged = [...statements.entries()].filter(([, statement]) => isJudged(statement))
  for (const [at, statement] of judged)
    answers.set(at, await predicted(ask, `${textOf(statement)}   done, refused, unknown, a value, or (absent)`))
  const verdict = await predicted(
    ask,
    `${guarantee}, ${guarantees[guarantee]}: holds, broken, or stands still (safe, and of no use)`,
  )
  return { verdict, answers }
}

const predicted = async (ask: Ask, question: string) => ((await ask(question)) ?? '').trim()

const isJudged = (statement: Statement) => statement.kind === 'call' && statement.expected.length > 0

/** The lines of a script, without what it expects; those of a repeated part are indented. */
function linesOf(statements: readonly Statement[], indent: string): string[] {
  return statements.flatMap((statement) => {
    const line = `  ${indent}${textOf(statement)}`
    if (statement.kind === 'comment') return [colour.dim(line)]
    return statement.kind === 'repeat' ? [line, ...linesOf(statement.body, `${indent}  `)] : [line]
  })
}

/** Puts what was predicted beside what came. */
export function besideOutcome({ verdict, answers }: Predictions, played: Played): string {
  const rows = [...answers].map(([at, prediction]) => {
    const came = played.outcomes[at]!
    return [textOf(played.scenario.statements[at]!), ...compared(prediction, came, isThatAnswer)]
  })
  const { guarantee } = played.scenario
  const last = [guarantee, ...compared(verdict, words[played.verdict], isThatVerdict)]
  return table([['', 'predicted', 'came', ''].map((head) => colour.dim(head)), ...rows, last])
}

type IsThat = (prediction: string, came: string) => boolean

function compared(prediction: string, came: string, isThat: IsThat): string[] {
  if (prediction === '') return [colour.dim('–'), came, '']
  return [prediction, came, isThat(prediction.toLowerCase(), came) ? 'as predicted' : colour.yellow('otherwise')]
}

/** Checks a prediction such as `refused` against an answer such as `refused not_leader: ask n1`. */
function isThatAnswer(prediction: string, came: string): boolean {
  const answer = came.toLowerCase()
  const isValue = answer.startsWith('"') || answer === '(absent)'
  return (
    [answer, answer.slice(1, -1), answer.split(/[ :]/)[0]].includes(prediction) || (prediction === 'done' && isValue)
  )
}

const isThatVerdict: IsThat = (prediction, came) => came.startsWith(prediction)
