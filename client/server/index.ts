/** The package's exports for a server of one's own: an application that a cluster of processes replicates. */
export { type Application, jsonCommands } from '../../src/application.js'
export { shape } from '../../src/command-shape.js'
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
export { exitCodes } from '../../src/server/exits.js'
export { UsageError } from '../../src/words.js'
export { text } from '../../stages/0-key-value-store/commands.js'
export { ownToken } from '../cluster/own-token.js'
export { tlsFrom } from '../cluster/tls-places.js'
export { addressesIn, certsOption, connectOption, tokenFileOption, wholeNumber } from '../commands/arguments.js'
export type { Command as ProgramCommand } from '../commands/program.js'
export type { Verb } from '../commands/verb.js'
export { readsAndWrites } from '../commands-of.js'
export { describeOutcome, exitCode } from '../text/answers.js'
export { commandLine, nodeProcess, type Service, stageOf } from './serve.js'
