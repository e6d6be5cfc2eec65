import type { Command, Outcome } from '../../contracts.js'
import type { SeededRandom } from '../simulation/random.js'
import type { Load } from './scenario.js'

/** A few keys for many clients: only keys that clients contend for prove something. */
const keys = ['x', 'y', 'z']

/** The probability that a client hangs up in the middle of a call. */
const hangUpChance = 0.03

/** The cluster as the clients of a load see it. */
export interface Loaded {
  /** Makes a call as this client; `settle` is called with its outcome. */
  ask(client: string, command: Command, settle: (outcome: Outcome) => void): void
  hangUp(client: string): void
  after(ms: number, task: () => void): void
  /** Called when the last of the calls has ended. */
  over(counts: LoadCounts): void
}

/** Counts of calls: ended in each way, and open. */
export interface LoadCounts {
  done: number
  refused: number
  unknown: number
  /** Calls that were refused, but for comparisons, or are unknown. */
  lost: number
  open: number
}

/**
 * Starts clients, each of which makes one call after another: reads and writes of all kinds, each write with a value of
 * its own.
 *
 * @returns counts that change while the clients run
 */
export function startLoad(random: SeededRandom, { clients, calls, overMs, isWhole }: Load, loaded: Loaded): LoadCounts {
  const { ask, hangUp, after, over } = loaded
  const counts: LoadCounts = { done: 0, refused: 0, unknown: 0, lost: 0, open: clients * calls }
  const session = (client: string, left: number) => {
    if (left === 0) return
    if (overMs === 0) return call(client, left)
    after((random.next() * 2 * overMs) / calls, () => call(client, left))
  }
  const call = (client: string, left: number) => {
    const value = `${client}-${left}`
    ask(client, command(random, value, `l${random.between(1, clients)}-${random.between(left, calls)}`), (outcome) => {
      counts[outcome.outcome]++
      if (isLost(outcome)) counts.lost++
      counts.open--
      if (counts.open === 0) over(counts)
      session(client, left - 1)
      if (!isWhole && random.chance(hangUpChance)) hangUp(`l${random.between(1, clients)}`)
    })
  }
  for (let client = 1; client <= clients; client++) session(`l${client}`, calls)
  return counts
}

/** Checks whether a call was not done; a comparison that was refused was done. */
function isLost(outcome: Outcome): boolean {
  return outcome.outcome !== 'done' && outcome.error.code !== 'cas_mismatch'
}

/** Draws a command. @param other a value that the key may hold, so that some of the comparisons succeed */
function command(random: SeededRandom, value: string, other: string): Command {
  const key = random.pick(keys)
  const kind = random.next()
  if (kind < 0.4) return { command: 'get', key }
  if (kind < 0.65) return { command: 'set', key, value }
  if (kind < 0.75) return { command: 'append', key, value: `+${value}` }
  if (kind < 0.9) return { command: 'cas', key, expected: random.chance(0.5) ? null : other, value }
  return { command: 'delete', key }
}
