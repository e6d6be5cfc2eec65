/** Lists of rules, as the tables of stages hold them; a later stage, or a wrong rule, names what it changes in one. */

type AnyRule = (...args: never[]) => unknown

/** A rule composed of others, which can still be told apart. */
interface Composed extends AnyRule {
  readonly rules: readonly AnyRule[]
}

/** Composes several rules into one that runs them in order. */
export function inOrder<N, I>(...rules: readonly ((node: N, input: I) => void)[]): (node: N, input: I) => void {
  const parts = rules.flatMap((rule) => partsOf(rule))
  const all = (node: N, input: I) => {
    for (const rule of parts) rule(node, input)
  }
  Object.defineProperty(all, 'name', { value: parts.map(({ name }) => name).join(', ') })
  return Object.assign(all, { rules: parts })
}

/** The rules of which {@link inOrder} composed this one; a rule that stands alone is its only part. */
export function partsOf<R extends AnyRule>(rule: R): readonly R[] {
  return ((rule as Partial<Composed>).rules as readonly R[] | undefined) ?? [rule]
}

/**
 * Replaces one rule of a list by others, or by none.
 *
 * @throws if the old rule is not in the list: a table that names it would change nothing, in silence
 */
export function replaced<R extends AnyRule, S extends AnyRule = R>(
  rules: readonly R[],
  old: R,
  ...by: readonly S[]
): (R | S)[] {
  const at = rules.indexOf(old)
  if (at < 0) {
    const names = rules.map(({ name }) => name || 'a rule without a name').join(', ')
    throw new Error(`the rule ${old.name} cannot be replaced: the list has ${names || 'no rules'}`)
  }
  return [...rules.slice(0, at), ...by, ...rules.slice(at + 1)]
}

/** Inserts rules into a list before one of its rules. @throws if that rule is not in the list */
export function insertedBefore<R extends AnyRule, S extends AnyRule = R>(
  rules: readonly R[],
  rule: R,
  ...added: readonly S[]
): (R | S)[] {
  return replaced<R, R | S>(rules, rule, ...added, rule)
}

/** Replaces one part of a rule that {@link inOrder} composed by others, as {@link replaced} does in a list. */
export function replacedIn<N, I>(
  rule: (node: N, input: I) => void,
  old: (node: N, input: I) => void,
  ...by: readonly ((node: N, input: I) => void)[]
): (node: N, input: I) => void {
  return inOrder(...replaced(partsOf(rule), old, ...by))
}
