import type { KeyAnswer, KeyCommand, KeyError, Operation } from '../../src/proof/linearizability/index.js'

export interface HistoryShape {
  readonly operations: number
  /** How many operations are under way at once, those of unknown outcome aside. */
  readonly clients: number
  readonly keys: number
  /** How many different values are written; `unique` writes none twice. */
  readonly values: number | 'unique'
  /** The share of operations that are never answered; half of these take effect, some of them much later. */
  readonly unknown: number
  readonly commands: readonly KeyCommand['command'][]
}

/** Commands to draw from: reads come twice as often as the others. */
export const allCommands: readonly KeyCommand['command'][] = ['get', 'get', 'set', 'cas', 'append', 'delete']

interface Pending {
  readonly client: string
  readonly command: KeyCommand
  readonly call: number
  result: Result | undefined
}

type Result = Pick<Operation, 'outcome'> & { answer?: KeyAnswer; error?: KeyError }

/**
 * A linearizable history: what clients would record of a real register for each key whose operations take effect one
 * by one, at moments drawn by chance between call and return. The moments are numbers of events.
 */
export function simulateHistory(random: () => number, shape: HistoryShape): Operation[] {
  const store = new Map<string, string>()
  const open: (Pending | undefined)[] = Array.from({ length: shape.clients }, () => undefined)
  const lost: Pending[] = []
  const history: Operation[] = []
  const below = (limit: number) => Math.floor(random() * limit)
  for (let now = 1, called = 0; history.length < shape.operations; now++) {
    const place = below(shape.clients)
    const pending = open[place]
    if (lost.length > 0 && random() < 0.01) takeEffect(store, lost.splice(below(lost.length), 1)[0]!)
    if (pending === undefined) {
      if (called === shape.operations) continue
      called++
      open[place] = {
        client: `c${place + 1}`,
        command: randomCommand(below, shape, called, store),
        call: now,
        result: undefined,
      }
    } else if (random() < shape.unknown) {
      open[place] = undefined
      if (pending.result === undefined && random() < 0.5) lost.push(pending)
      history.push(recordOf(history.length, pending, null))
    } else if (pending.result === undefined) {
      takeEffect(store, pending)
    } else {
      open[place] = undefined
      history.push(recordOf(history.length, pending, now))
    }
  }
  return history
}

function recordOf(id: number, { client, command, call, result }: Pending, returned: number | null): Operation {
  if (returned === null) return { client, id, command, call, return: null, outcome: 'unknown' }
  return { client, id, command, call, return: returned, ...result! }
}

function randomCommand(
  below: (limit: number) => number,
  { keys, values, commands }: HistoryShape,
  number: number,
  store: ReadonlyMap<string, string>,
): KeyCommand {
  const key = `k${below(keys)}`
  const value = values === 'unique' ? `v${number}` : `${below(values)}`
  const command = commands[below(commands.length)]!
  if (command === 'get' || command === 'delete') return { command, key }
  if (command !== 'cas') return { command, key, value }
  // With unique values a guess would always be wrong; so the client expects what the key holds as it asks.
  const expected = values === 'unique' ? (store.get(key) ?? null) : below(values + 1) === 0 ? null : `${below(values)}`
  return { command, key, expected, value }
}

function takeEffect(store: Map<string, string>, pending: Pending): void {
  pending.result = perform(store, pending.command)
}

/** Written apart from the checker's own model, to be a second opinion. */
function perform(store: Map<string, string>, command: KeyCommand): Result {
  const { key } = command
  const actual = store.get(key) ?? null
  switch (command.command) {
    case 'get':
      return { outcome: 'done', answer: { value: actual } }
    case 'set':
      store.set(key, command.value)
      return { outcome: 'done' }
    case 'delete':
      return { outcome: 'done', answer: { existed: store.delete(key) } }
    case 'append':
      store.set(key, (actual ?? '') + command.value)
      return { outcome: 'done', answer: { length: store.get(key)!.length } }
    case 'cas':
      if (actual !== command.expected) return { outcome: 'refused', error: { code: 'cas_mismatch', actual } }
      store.set(key, command.value)
      return { outcome: 'done' }
  }
}

/**
 * A second opinion on a small history, too plain to be wrong: tries every order that respects real time, with every
 * choice of unknown operations. Takes time exponential in the number of operations; it only remembers from where it
 * has failed already.
 */
export function isLinearizableByBruteForce(
  operations: readonly Operation[],
  held: ReadonlyMap<string, string> = new Map(),
  failures: Set<string> = new Set(),
): boolean {
  const left = operations.filter(({ outcome, error }) => outcome !== 'refused' || error?.actual !== undefined)
  if (left.every(({ outcome }) => outcome === 'unknown')) return true
  const situation = JSON.stringify([left.map(({ client, call }) => [client, call]), [...held]])
  if (failures.has(situation)) return false
  failures.add(situation)
  return left.some((operation) => {
    if (left.some((other) => other.outcome !== 'unknown' && other.return! < operation.call)) return false
    const after = new Map(held)
    const result = perform(after, operation.command)
    if (operation.outcome !== 'unknown' && !isSameResult(result, operation)) return false
    const others = left.filter((other) => other !== operation)
    return isLinearizableByBruteForce(others, after, failures)
  })
}

/** Whether performing an order one by one gives every recorded answer, and puts nothing before what it had to follow. */
export function isLegalOrder(order: readonly Operation[]): boolean {
  const store = new Map<string, string>()
  let latestCall = -Infinity
  return order.every((operation) => {
    const result = perform(store, operation.command)
    latestCall = Math.max(latestCall, operation.call)
    if (operation.outcome === 'unknown') return true
    return operation.return! >= latestCall && isSameResult(result, operation)
  })
}

function isSameResult(result: Result, { outcome, answer, error }: Operation): boolean {
  return (
    result.outcome === outcome &&
    result.answer?.value === answer?.value &&
    result.answer?.existed === answer?.existed &&
    result.answer?.length === answer?.length &&
    result.error?.actual === error?.actual
  )
}

/** A small source of chance with a seed (mulberry32); at least 0, below 1. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

const commandChoices: (readonly KeyCommand['command'][])[] = [
  ['get', 'set'],
  ['get', 'set', 'cas'],
  ['get', 'append'],
  ['get', 'set', 'append'],
  ['get', 'set', 'delete'],
  allCommands,
]

/** A history of a real register, and the chance to go on with. */
export function historyOf(
  seed: number,
  smallest: number,
  largest: number,
): { history: Operation[]; random: () => number } {
  const random = seeded(seed)
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!
  const history = simulateHistory(random, {
    operations: smallest + Math.floor(random() * (largest - smallest + 1)),
    clients: 2 + Math.floor(random() * 4),
    keys: 1,
    values: pick([1, 2, 3, 'unique']),
    unknown: pick([0, 0.1, 0.3]),
    commands: pick(commandChoices),
  })
  return { history, random }
}

/** Changes about every third record, mostly its answer, so that it may no longer be what a register would say. */
export function mutated(history: readonly Operation[], random: () => number): Operation[] {
  const pick = <Item>(items: readonly Item[]) => items[Math.floor(random() * items.length)]!
  return history.map((operation) => {
    if (random() > 0.35) return operation
    const { command, outcome, answer: _answer, error: _error, ...rest } = operation
    if (outcome === 'unknown') return operation
    const choice = random()
    if (choice < 0.15) return { ...rest, command, outcome: 'unknown', return: null }
    if (choice < 0.25) return { ...rest, command, outcome: 'refused', error: { code: 'no_leader' } }
    if (choice < 0.4) return { ...operation, return: operation.return! + Math.floor(random() * 6) }
    const value = pick([null, '', '0', '1', '2', '00', '01', '10'])
    if (outcome === 'refused') return { ...operation, error: { code: 'cas_mismatch', actual: value } }
    if (command.command === 'get') return { ...operation, answer: { value } }
    if (command.command === 'delete') return { ...operation, answer: { existed: random() < 0.5 } }
    if (command.command === 'append') return { ...operation, answer: { length: Math.floor(random() * 4) } }
    return { ...operation, command: { ...command, value: value ?? '' } }
  })
}
