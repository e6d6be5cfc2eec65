import { type Command, type CommandShape, isObject } from '../../src/contracts.js'
import { parseJson } from '../../src/network/framing.js'
import { type Line, parseLine as parseWords, toCommand, UsageError } from '../../src/words.js'

export { type Line, UsageError, usage, usageBeside } from '../../src/words.js'

type Shapes = Readonly<Record<string, CommandShape>>

/** Parses a line that a person typed, in words or as a request in JSON. @throws UsageError if it is neither */
export function parseLine(line: string, shapes: Shapes): Line {
  const [, request, at = null] = /^\s*(\{.*\})(?:\s+@(\w+))?\s*$/s.exec(line) ?? []
  return request === undefined ? parseWords(line, shapes) : { command: parseRequest(request), at }
}

/**
 * Parses words from a shell, which has removed the quotes already; or one word, a request in JSON. @throws UsageError
 * if neither
 */
export function parseArguments(texts: readonly string[], shapes: Shapes): Command {
  if (texts.length === 1 && texts[0]!.trimStart().startsWith('{')) return parseRequest(texts[0]!)
  return toCommand(
    texts.map((text) => ({ text, quoted: false })),
    shapes,
  )
}

/**
 * Parses a request in JSON, which can hold what no shell can, such as a key with a NUL in it. The node checks its
 * fields.
 */
function parseRequest(text: string): Command {
  const parsed = parseJson(Buffer.from(text))
  if (!('value' in parsed)) throw new UsageError(`this is no request: ${parsed.problem}`)
  if (!isObject(parsed.value) || typeof parsed.value.command !== 'string')
    throw new UsageError('a request in JSON is an object with a "command", such as {"command":"get","key":"a"}')
  const { id: _id, ...command } = parsed.value
  return command as Command
}
