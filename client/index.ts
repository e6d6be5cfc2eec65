/** The package's exports for programs: the client, and the types of its outcomes. */
export type { Answer, Command, ErrorCode, Failure } from '../src/contracts.js'
export { errorCodes } from '../src/contracts.js'
export { CallError, Client, type Outcome } from './client.js'
export type { CallSettings, ClientSettings, ReadSettings } from './settings.js'
