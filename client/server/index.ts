/** The package's exports for a server of one's own: an application that a cluster of processes replicates. */
export { type Application, jsonCommands } from '../../src/application.js'
export type {
  Answer,
  Argument,
  Checked,
  Clock,
  Command,
  CommandCodec,
  CommandShape,
  EntryId,
  Refusal,
  StateMachine,
} from '../../src/contracts.js'
export { compareKeys, limits, refusal } from '../../src/contracts.js'
export { shape, text } from '../../stages/0-key-value-store/commands.js'
