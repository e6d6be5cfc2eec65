import { type Argument, failure, isPositive } from '../../src/contracts.js'
import type { EnvelopeShape } from '../../src/stage.js'
import { isNatural } from '../4-log-replication/messages.js'

/** The fields beside a write: the call of a session that it is (thesis §6.3). */
export interface WriteEnvelope {
  readonly session?: number
  readonly sequence?: number
  readonly firstOutstanding?: number
  readonly withIndex?: true
}

/** The fields beside a read: how old its answer may be (thesis §6.4). */
export interface ReadEnvelope {
  readonly consistency?: 'linearizable' | 'stale'
  readonly atLeast?: number
  readonly withIndex?: true
}

/**
 * A field that may stand beside a command. Its check is a plain function and no schema: each write of each session has
 * three of them.
 */
interface Field extends Argument {
  readonly fits: (value: unknown) => boolean
  /** The words of the error: what the field must be. */
  readonly must: string
}

const positive = (name: string) => field(name, 'number', isPositive, 'a whole number from 1 on')
const withIndex = field('withIndex', 'flag', (value) => value === true, 'true, or left out')
const consistency = field(
  'consistency',
  'text',
  (value) => value === 'linearizable' || value === 'stale',
  '"linearizable", which it is if left out, or "stale"',
)
const atLeast = field('atLeast', 'number', isNatural, 'a whole number from 0 on')

/** The shapes of the fields that may stand beside a write and beside a read. */
export const envelopes = {
  write: envelope([positive('session'), positive('sequence'), positive('firstOutstanding'), withIndex], isWhole),
  read: envelope([consistency, atLeast, withIndex], () => null),
}

function field(name: string, kind: Argument['kind'], fits: Field['fits'], must: string): Field {
  return { name, optional: true, kind, fits, must }
}

function envelope(takes: readonly Field[], problemWith: (fields: WriteEnvelope) => string | null): EnvelopeShape {
  return {
    takes,
    check(fields) {
      for (const { name, fits, must } of takes) {
        const value = fields[name]
        if (value !== undefined && !fits(value))
          return failure('bad_request', `${JSON.stringify(name)} must be ${must}`)
      }
      const problem = problemWith(fields)
      return problem === null ? { ok: true, envelope: fields } : failure('bad_request', problem)
    },
  }
}

/** Session and sequence go together. @returns what is wrong; null if nothing is */
function isWhole({ session, sequence, firstOutstanding }: WriteEnvelope): string | null {
  if ((session === undefined) !== (sequence === undefined)) return '"session" and "sequence" go together'
  if (firstOutstanding === undefined) return null
  if (sequence === undefined) return '"firstOutstanding" goes with "session" and "sequence"'
  return firstOutstanding <= sequence
    ? null
    : '"firstOutstanding" is at most "sequence": this call is waited for as well'
}
