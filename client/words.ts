import type { Command, CommandShape } from '../src/contracts.js'
import { toCommand } from '../src/words.js'

export { type Line, parseLine, UsageError, usage } from '../src/words.js'

/** Words from a shell, which has taken care of the quotes already. @throws UsageError */
export function parseArguments(texts: readonly string[], shapes: Readonly<Record<string, CommandShape>>): Command {
  return toCommand(
    texts.map((text) => ({ text, quoted: false })),
    shapes,
  )
}
