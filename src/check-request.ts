import { type Checked, failure } from './contracts.js'
import type { Stage } from './stage.js'
import { quoted } from './text.js'

/**
 * Checks a client's request against the shapes of a stage's commands.
 *
 * @param candidate the request without its `id`
 * @returns the command with the fields beside it; or the refusal that says what is wrong
 */
export function checkRequest(
  { commands }: Pick<Stage, 'commands'>,
  candidate: Readonly<Record<string, unknown>>,
): Checked {
  const name = candidate.command
  if (typeof name !== 'string') return failure('bad_request', `"command" must be one of ${namesOf(commands)}`)
  const shape = Object.hasOwn(commands, name) ? commands[name] : undefined
  return (
    shape?.check(candidate) ??
    failure('unknown_command', `no command ${quoted(name, 64)}; there are ${namesOf(commands)}`)
  )
}

const namesOf = (commands: Stage['commands']) => Object.keys(commands).join(' ')
