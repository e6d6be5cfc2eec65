import { z } from 'zod'
import { type Argument, failure } from '../../src/contracts.js'
import type { EnvelopeShape } from '../../src/stage.js'

const number = { error: 'a whole number from 1 on' }
const natural = { error: 'a whole number from 0 on' }
const isTrue = { error: 'true, or left out' }

/** The fields beside a write: the call of a session that it is (thesis §6.3). */
const writeFields = {
  session: z.int(number).min(1, number).optional(),
  sequence: z.int(number).min(1, number).optional(),
  firstOutstanding: z.int(number).min(1, number).optional(),
  withIndex: z.literal(true, isTrue).optional(),
}

/** The fields beside a read: how old its answer may be (thesis §6.4). */
const readFields = {
  consistency: z
    .enum(['linearizable', 'stale'], { error: '"linearizable", which it is if left out, or "stale"' })
    .optional(),
  atLeast: z.int(natural).min(0, natural).optional(),
  withIndex: z.literal(true, isTrue).optional(),
}

const write = z.strictObject(writeFields)
const read = z.strictObject(readFields)

export type WriteEnvelope = z.infer<typeof write>
export type ReadEnvelope = z.infer<typeof read>

const withIndex: Argument = { name: 'withIndex', optional: true, kind: 'flag' }
const consistency: Argument = { name: 'consistency', optional: true, kind: 'text' }

/** The shapes of the fields that may stand beside a write and beside a read. */
export const envelopes = {
  write: envelope(write, [...['session', 'sequence', 'firstOutstanding'].map(argument), withIndex], isWhole),
  read: envelope(read, [consistency, argument('atLeast'), withIndex], () => null),
}

function argument(name: string): Argument {
  return { name, optional: true, kind: 'number' }
}

function envelope<Fields extends object>(
  schema: z.ZodType<Fields>,
  takes: readonly Argument[],
  problemWith: (fields: Fields) => string | null,
): EnvelopeShape {
  return {
    takes,
    check(fields) {
      const checked = schema.safeParse(fields)
      if (!checked.success) {
        const { path, message } = checked.error.issues[0]!
        return failure('bad_request', `${JSON.stringify(path[0])} must be ${message}`)
      }
      const problem = problemWith(checked.data)
      return problem === null ? { ok: true, envelope: checked.data } : failure('bad_request', problem)
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
