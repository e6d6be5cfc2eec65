import type { GuaranteeId } from '../contracts.js'
import { partsOf as partsOfRule, type Stage } from '../stage.js'
import { declared, guaranteeIds } from './declared.js'

/** A rule is a function in its slot of a table, such as `replicate` in `requests.set`. */
export interface Rule {
  readonly slot: string
  readonly name: string
  /** The function itself, or the shape of a command. Two rules are the same if their values are identical. */
  readonly value: unknown
}

interface Replaced {
  readonly slot: string
  readonly before: Rule
  readonly after: Rule
}

/** The difference between two stages' tables, by the identity of the functions in them. */
export interface Difference {
  readonly added: readonly Rule[]
  readonly replaced: readonly Replaced[]
  readonly removed: readonly Rule[]
  readonly kept: readonly Rule[]
  /** Types of messages between nodes that are new in the later stage. */
  readonly messages: readonly string[]
  readonly gained: readonly GuaranteeId[]
  readonly lost: readonly GuaranteeId[]
  /** Guarantees that the later stage breaks, and that did not apply to the earlier one. */
  readonly newlyBroken: readonly GuaranteeId[]
  /** Guarantees that the later stage keeps by standing still, and the earlier one does not. */
  readonly stalled: readonly GuaranteeId[]
}

type Slots = Readonly<Record<string, unknown>>

/** The parts of a table whose members are named slots. */
const groups = [
  'commands',
  'requests',
  'operations',
  'payloads',
  'on',
  'messages',
  'doubts',
  'verbs',
  'client',
] as const

/** The whole table of a stage, which `stage()` keeps beside what the other floors see of it, with its application's. */
function tableOf(stage: Stage): Slots {
  const { commands, application } = stage
  if ('table' in stage) return { ...(stage.table as Slots), commands, operations: application.operations ?? {} }
  throw new Error(`stage ${stage.number} was not made by stage(): it has no table to compare`)
}

/** The parts of a table that are one value, where the stage has it. */
const single = ['application', 'state', 'entries'] as const
/** The parts of a table that are lists of rules. */
export const lists = [
  'start',
  'gate',
  'tick',
  'durable',
  'applied',
  'saved',
  'held',
  'kept',
  'restored',
  'met',
  'turn',
] as const

/**
 * Lists every function of a stage's table, flat. A rule of a list has its name as its slot: it is in the list or not.
 */
export function rulesOf(stage: Stage): Rule[] {
  const table = tableOf(stage)
  const alone = single.filter((slot) => table[slot] !== undefined).map((slot) => toRule(slot, slot, table[slot]))
  const members = groups.flatMap((group) =>
    Object.entries((table[group] ?? {}) as Slots).map(([key, value]) => toRule(`${group}.${key}`, key, value)),
  )
  const listed = lists.flatMap((list) =>
    ((table[list] ?? []) as readonly unknown[]).map((rule) => toRule(`${list}.${nameOf(rule, '?')}`, '?', rule)),
  )
  return [...alone, ...members, ...listed]
}

function toRule(slot: string, key: string, value: unknown): Rule {
  return { slot, name: nameOf(value, key), value }
}

function nameOf(value: unknown, otherwise: string): string {
  if (Array.isArray(value)) return value.map((rule) => nameOf(rule, '?')).join(', ')
  const { name } = (value ?? {}) as { name?: unknown }
  return typeof name === 'string' && name !== '' ? name : otherwise
}

/** Lists the rules that stand in one slot together; any other value stands alone. */
export function partsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value
  return typeof value === 'function' ? partsOfRule(value as (...args: never[]) => unknown) : [value]
}

/** Compares two stages' tables: a rule is kept if the same function stands in the same slot. */
export function difference(earlier: Stage, later: Stage): Difference {
  const before = new Map(rulesOf(earlier).map((rule) => [rule.slot, rule]))
  const rules = rulesOf(later)
  const slots = new Set(rules.map(({ slot }) => slot))
  return {
    added: rules.filter(({ slot }) => !before.has(slot)),
    replaced: rules.flatMap((after) => {
      const former = before.get(after.slot)
      return former && former.value !== after.value ? [{ slot: after.slot, before: former, after }] : []
    }),
    removed: [...before.values()].filter(({ slot }) => !slots.has(slot)),
    kept: rules.filter(({ slot, value }) => before.get(slot)?.value === value),
    messages: Object.keys(later.messages).filter((type) => !Object.hasOwn(earlier.messages, type)),
    gained: later.gives.filter((id) => !earlier.gives.includes(id)),
    lost: earlier.gives.filter((id) => !later.gives.includes(id) && declared(later, id) !== 'unavailable'),
    newlyBroken: guaranteeIds.filter(
      (id) => declared(earlier, id) === 'not applicable' && declared(later, id) === 'violated',
    ),
    stalled: guaranteeIds.filter(
      (id) => declared(earlier, id) !== 'unavailable' && declared(later, id) === 'unavailable',
    ),
  }
}

/** Groups rules by the part of the table in which they stand, each under its key there. */
export function byGroup(rules: readonly Rule[]): [group: string, members: { key: string; name: string }[]][] {
  const groups = new Map<string, { key: string; name: string }[]>()
  for (const { slot, name } of rules) {
    const [group, key = name] = slot.split('.') as [string, string?]
    groups.set(group, [...(groups.get(group) ?? []), { key, name }])
  }
  return [...groups]
}
