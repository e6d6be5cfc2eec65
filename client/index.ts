/** What a program imports: the client, and what its outcomes are made of. */
export type { Answer, Command, ErrorCode, Failure } from '../src/contracts.js'
export { errorCodes } from '../src/contracts.js'
export { CallError, Client, type Outcome } from './client.js'
export type { CallSettings, ClientSettings } from './settings.js'
