import { type Application, decoded } from './application.js'
import type { Apply, Command, EntryId, Performance } from './contracts.js'

/** Finds the commands that the state machine performs, among committed entries, each with its entry. */
export function newCommands(
  application: Application,
  batch: readonly Apply[],
  performances: readonly Performance[],
): { readonly commands: readonly Command[]; readonly places: readonly EntryId[] } {
  const commands: Command[] = []
  const places: EntryId[] = []
  for (const [at, { isNew }] of performances.entries()) {
    if (!isNew) continue
    const { index, term, payload } = batch[at]!
    if (payload.kind !== 'command') throw new Error(`entry ${index} holds no command to be performed`)
    commands.push(decoded(application, payload.command))
    places.push({ index, term })
  }
  return { commands, places }
}
