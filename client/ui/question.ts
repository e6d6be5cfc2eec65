import { guarantees } from '../../src/proof/guarantees.js'
import type { Played, Verdict } from '../../src/proof/scenario/scenario.js'
import type { Question } from './protocol.js'

/** Answers to the question what will happen, by the verdict that they mean. */
const choices: Readonly<Record<Verdict, string>> = {
  holds: 'it holds',
  violated: 'it is violated: a wrong answer, or a broken promise',
  unavailable: 'it is safe, but something is not done',
}

/** Makes the question that is asked before a play is shown: its lines without their outcomes, and what may come of it. */
export function questionOf({ scenario: { guarantee }, stage, transcript, verdict, witness }: Played): Question {
  const lines = transcript.slice(2, -2).map(withoutOutcome)
  const ask = `${guarantee}: ${guarantees[guarantee]}. What will happen at stage ${stage}?`
  return {
    text: [...lines, '', ask].join('\n'),
    choices: Object.values(choices),
    right: Object.keys(choices).indexOf(verdict),
    because: (witness.length > 0 ? witness.slice(1) : transcript.slice(-1)).join('\n'),
  }
}

/** Leaves the outcome of a transcript's line away: two spaces are before it. */
const withoutOutcome = (line: string) => /^(\s*\S.*?)(\s{2,}.*)?$/.exec(line)?.[1] ?? line
