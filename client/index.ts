/** The package's exports for programs that ask a cluster: the client, and the types of its commands and outcomes. */
import { Client as AnyClient } from './client.js'
import type { KeyValueCommands } from './commands-of.js'
import type { ClientSettings } from './settings.js'

export type { Answer, Command, ErrorCode, Failure } from '../src/contracts.js'
export { errorCodes } from '../src/contracts.js'
export { ConfigError } from '../src/errors.js'
export { CallError, type Outcome } from './client.js'
export type {
  AnswerTo,
  AnyCommands,
  CallFailure,
  CommandNamed,
  CommandOf,
  KeptMoment,
  KeyValueCommands,
  ListedMember,
  MemberList,
  NodeCommands,
  OutcomeOf,
  ReadsAndWrites,
} from './commands-of.js'
export type { CallSettings, ClientSettings, ReadSettings, ScanSettings, Waiting } from './settings.js'
export type { ClientTls } from './tls.js'

/**
 * A client of a cluster, whose commands and answers have types: those of the key-value store, or of another application.
 *
 * @typeParam M the commands of the application: by each name, what it `takes` and `gives`; with {@link AnyCommands},
 *   anything can be asked
 */
export class Client<M extends object = KeyValueCommands> extends AnyClient<M> {
  /** @throws ConfigError if no address is given, or a setting or a certificate is not valid; the message says which */
  constructor(settings: ClientSettings) {
    super(settings)
  }
}
