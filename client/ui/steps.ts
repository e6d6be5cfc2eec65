import type { Message } from '../../src/contracts.js'
import type { TraceLine } from '../../src/trace/fold.js'

const silent: ReadonlySet<string> = new Set('state write synced receive not_drawn trace verdict recovered'.split(' '))

/** Checks whether an event is worth a step: states and disks change because of others, and heartbeats say nothing. */
export function isStep(line: TraceLine): boolean {
  if (silent.has(line.event)) return false
  const message = line.message as Message | undefined
  return !(line.event === 'send' && message?.type.startsWith('AppendEntries') && (message.entries?.length ?? 0) === 0)
}
