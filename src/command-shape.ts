import { z } from 'zod'
import { type Argument, type Checked, type Command, type CommandShape, failure, type Refusal } from './contracts.js'

/** Facts of a command besides its fields, see {@link CommandShape}. */
type Says = Pick<CommandShape, 'help' | 'readOnly' | 'role' | 'keys'>

/**
 * The shape of one command: its checks, made of the fields that it takes. Fields it does not know are refused. A field
 * may turn its value into another one: the command has that.
 */
export function shape<Name extends string, Fields extends Record<string, z.ZodType>>(
  command: Name,
  fields: Fields,
  says: Says,
) {
  const takes = Object.entries(fields).map(([name, field]) => argument(name, field))
  const schema = z.strictObject({ command: z.literal(command), ...fields })
  const check = (candidate: object, beside: readonly string[] = []): Checked => {
    const checked = schema.safeParse(candidate)
    if (checked.success) return { ok: true, command: checked.data as Command }
    return refusalOf(command, [...takes.map(({ name }) => name), ...beside], checked.error.issues[0]!)
  }
  return { takes, check, schema, ...says } satisfies CommandShape & { schema: unknown }
}

function argument(name: string, field: z.ZodType): Argument {
  const optional = field.safeParse(undefined).success
  return { name, optional, kind: kindOf(field instanceof z.ZodOptional ? (field.unwrap() as z.ZodType) : field) }
}

function kindOf(field: z.ZodType): Argument['kind'] {
  const accepts = (candidate: unknown) => field.safeParse(candidate).success
  if (accepts(1)) return 'number'
  if (accepts(true)) return 'flag'
  if (accepts(null)) return 'text or null'
  if (field instanceof z.ZodString || field instanceof z.ZodEnum) return 'text'
  return field instanceof z.ZodArray && accepts(['n1']) ? 'names' : 'json'
}

function refusalOf(command: string, takes: readonly string[], issue: z.core.$ZodIssue): Refusal {
  if (issue.code === 'unrecognized_keys') {
    const fields = takes.length > 0 ? takes.join(', ') : 'no field'
    const name = JSON.stringify(issue.keys[0]?.slice(0, 64))
    if (issue.path.length === 0) return failure('bad_request', `${command} has no field ${name}; it takes ${fields}`)
    return failure('bad_request', `${command}: ${JSON.stringify(pathOf(issue.path))} has no field ${name}`)
  }
  const code = issue.code === 'custom' && issue.params?.code === 'too_large' ? 'too_large' : 'bad_request'
  return failure(code, `${command}: ${JSON.stringify(pathOf(issue.path))} must be ${issue.message}`)
}

/** The place of a field, such as `items[3].vector`. */
function pathOf([field, ...deeper]: readonly PropertyKey[]): string {
  return String(field) + deeper.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
}
