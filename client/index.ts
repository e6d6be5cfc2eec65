/** What a program imports: the client, and what its outcomes are made of. */
export type { Answer, Command, ErrorCode, Failure } from '../src/contracts.js'
export { errorCodes } from '../src/contracts.js'
export { CallError, type CallSettings, Client, type ClientSettings, type Outcome } from './client.js'
