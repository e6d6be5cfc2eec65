import type { Argument, CommandShape, Refusal } from './contracts.js'

/** The shape of the fields that may stand beside a command. */
export interface EnvelopeShape {
  readonly takes: readonly Argument[]
  /** Checks the fields that are there. @returns them; or the refusal that says what is wrong with them */
  check(fields: Readonly<Record<string, unknown>>): { readonly ok: true; readonly envelope: object } | Refusal
}

/** The shapes for reads and for writes; left out where nothing may stand beside them. */
export interface Envelopes {
  readonly read?: EnvelopeShape
  readonly write?: EnvelopeShape
}

/** Shapes that were made, by the envelope and the shape inside: where neither changes, stages share one. */
const made = new WeakMap<EnvelopeShape, WeakMap<CommandShape, CommandShape>>()

/** Makes the shapes of an application's commands, with the fields that this stage takes beside them. */
export function inEnvelopes(commands: Readonly<Record<string, CommandShape>>, { read, write }: Envelopes) {
  const wrapped = Object.entries(commands).map(([name, shape]) => {
    const envelope = shape.readOnly ? read : write
    return [name, envelope ? sharedShape(shape, envelope) : shape] as const
  })
  return Object.fromEntries(wrapped)
}

function sharedShape(shape: CommandShape, envelope: EnvelopeShape): CommandShape {
  const shapes = made.get(envelope) ?? new WeakMap<CommandShape, CommandShape>()
  made.set(envelope, shapes)
  const known = shapes.get(shape) ?? inEnvelope(shape, envelope)
  shapes.set(shape, known)
  return known
}

function inEnvelope(shape: CommandShape, { takes, check }: EnvelopeShape): CommandShape {
  const names = takes.map(({ name }) => name)
  return {
    ...shape,
    envelope: takes,
    check(candidate) {
      if (!names.some((name) => name in candidate)) return shape.check(candidate, names)
      const fields = Object.entries(candidate)
      // `fromEntries` makes a field of `__proto__`, and the shape refuses it like any other field that it does not know.
      const inside = Object.fromEntries(fields.filter(([name]) => !names.includes(name)))
      const outside = Object.fromEntries(fields.filter(([name]) => names.includes(name)))
      const checked = shape.check(inside, names)
      if (!checked.ok) return checked
      const beside = check(outside)
      return beside.ok ? { ...checked, envelope: beside.envelope as Record<string, unknown> } : beside
    },
  }
}
