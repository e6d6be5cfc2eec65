import { inspect } from 'node:util'
import { addressProblem } from '../src/address.js'
import { type Command, type ErrorCode, isObject, limits, readPolicies } from '../src/contracts.js'
import { ConfigError } from '../src/errors.js'
import type { CallSettings, ClientSettings } from './settings.js'

/** Bytes that an `id`, and the number of a call in its session, add to a request at most. */
const envelopeBytes = 160

export type CheckedCall =
  | {
      readonly command: Command
      readonly deadlineMs: number | undefined
      readonly at: string | undefined
      readonly session: boolean | undefined
      readonly signal: AbortSignal | undefined
    }
  | { readonly code: ErrorCode; readonly problem: string }

const aDeadline = 'deadlineMs is a number of milliseconds, more than 0 (Infinity for none)'
const aSession = 'session is true or false'
const isBoolean = (value: unknown) => value === undefined || typeof value === 'boolean'
const isDeadline = (ms: unknown) => ms === undefined || (typeof ms === 'number' && ms > 0)
const isAddress = (address: unknown): address is string =>
  typeof address === 'string' && addressProblem(address) === null
const isReadsAndWrites = (application: unknown) =>
  isObject(application) && Object.values(application).every((kind) => kind === 'read' || kind === 'write')
const isTls = (tls: unknown) =>
  isObject(tls) &&
  typeof tls.ca === 'string' &&
  ['cert', 'key', 'cluster'].every((name) => tls[name] === undefined || typeof tls[name] === 'string')
/** Prints any value for a sentence. */
const shown = (value: unknown) =>
  inspect(value, { depth: 0, maxStringLength: 100, breakLength: Number.POSITIVE_INFINITY })

/** Checks the settings of a client. @throws ConfigError that says what to change */
export function checkSettings(settings: ClientSettings): ClientSettings {
  if (!isObject(settings)) throw new ConfigError('a client is made with an object such as { addresses: ["host:port"] }')
  const { addresses, deadlineMs, maxRedirects, session, reads, application, token, tls } = settings
  if (!Array.isArray(addresses) || addresses.length === 0)
    throw new ConfigError('a client needs a list of at least one address: { addresses: ["host:port"] }')
  const wrong = addresses.findIndex((address) => !isAddress(address))
  if (wrong >= 0) throw new ConfigError(`an address is host:port, which ${shown(addresses[wrong])} is not`)
  if (!isDeadline(deadlineMs)) throw new ConfigError(`${aDeadline}, which ${shown(deadlineMs)} is not`)
  if (maxRedirects !== undefined && !(Number.isInteger(maxRedirects) && maxRedirects >= 0))
    throw new ConfigError(`maxRedirects is a whole number from 0 on, which ${shown(maxRedirects)} is not`)
  if (!isBoolean(session)) throw new ConfigError(`${aSession}, which ${shown(session)} is not`)
  if (reads !== undefined && !readPolicies.includes(reads))
    throw new ConfigError(`reads is one of ${readPolicies.join(', ')}, which ${shown(reads)} is not`)
  if (application !== undefined && !isReadsAndWrites(application))
    throw new ConfigError(
      `application names commands, each with "read" or "write", such as { nearest: "read" }; ${shown(application)} does not`,
    )
  // The value is not shown: it may be a token in another wrapping.
  if (token !== undefined && typeof token !== 'string' && typeof token !== 'function')
    throw new ConfigError('token is a text, or a function that gives one')
  if (tls !== undefined && !isTls(tls))
    throw new ConfigError('tls is { ca, cert, key }, paths of PEM files or PEM texts; cert and key may be left out')
  const given = { addresses: [...addresses], deadlineMs, maxRedirects, session, reads, application, token, tls }
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as unknown as ClientSettings
}

/**
 * Checks a call, and copies its command as JSON will carry it, so that a later change of the original changes nothing.
 * An error thrown by a getter or `toJSON` of the caller is a refusal as well.
 */
export function checkCall(command: unknown, settings: CallSettings | null): CheckedCall {
  try {
    const { deadlineMs, at, session, signal } = settings ?? {}
    if (!isDeadline(deadlineMs)) return { code: 'bad_request', problem: aDeadline }
    if (at !== undefined && !isAddress(at)) return { code: 'bad_request', problem: 'at is an address, host:port' }
    if (!isBoolean(session)) return { code: 'bad_request', problem: aSession }
    if (signal !== undefined && !(signal instanceof AbortSignal))
      return { code: 'bad_request', problem: 'signal is an AbortSignal' }
    const text: string | undefined = JSON.stringify(command)
    if (text !== undefined && Buffer.byteLength(text) > limits.messageBytes - envelopeBytes)
      return { code: 'too_large', problem: `a request is at most ${limits.messageBytes} bytes` }
    const copy: unknown = text === undefined ? undefined : JSON.parse(text)
    if (isObject(copy) && typeof copy.command === 'string')
      return { command: copy as Command, deadlineMs, at, session, signal }
    return { code: 'bad_request', problem: 'a command is an object such as { command: "get", key: "a" }' }
  } catch (error) {
    return { code: 'bad_request', problem: `the command cannot be written as JSON: ${messageOf(error)}` }
  }
}

/** Takes an error's first line: for a cyclic object, further lines draw the whole cycle. */
function messageOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0]!
}
