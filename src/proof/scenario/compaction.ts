import type { NodeId, Status } from '../../contracts.js'
import type { Finding } from './leadership.js'
import type { Compaction, Driver, Kept } from './scenario.js'

/** Milliseconds between two looks at a node whose snapshot is awaited. */
const everyMs = 50

type Told = { readonly [Fact in 'log' | 'snapshot' | 'commit']?: Status[Fact] | undefined }

/** Reads what a node reports of its log and its snapshot; at stages without a log, nothing. */
export function keptOf({ log = { first: 1, last: 0 }, snapshot, commit = 0 }: Told): Omit<Kept, 'node'> {
  return { ...log, snapshot: snapshot?.index ?? 0, commit }
}

/** Judges the length of the logs at once, or waits for a node's snapshot until its time is over. */
export function judgeCompaction(said: Compaction, node: NodeId | undefined, driver: Driver): Promise<Finding> {
  return said.kind === 'logs under' ? judgeLogs(said.entries, driver) : awaitSnapshot(node!, said.withinMs, driver)
}

async function judgeLogs(under: number, driver: Driver): Promise<Finding> {
  const [longest, ...others] = (await driver.kept()).toSorted((a, b) => lengthOf(b) - lengthOf(a))
  if (longest === undefined) return { outcome: 'no node runs', mark: 'unavailable', expected: 'logs' }
  const who = others.length > 0 && lengthOf(others[0]!) === lengthOf(longest) ? '' : ` (${longest.node})`
  const outcome = `${lengthOf(longest)} at most${who}`
  if (lengthOf(longest) < under) return { outcome, mark: 'fine', expected: '' }
  return { outcome, mark: 'violated', expected: `fewer than ${under}` }
}

const lengthOf = ({ first, last }: Kept) => last - first + 1

async function awaitSnapshot(node: NodeId, withinMs: number, driver: Driver): Promise<Finding> {
  for (let left = withinMs; ; left -= everyMs) {
    const kept = (await driver.kept()).find((one) => one.node === node)
    if (kept && kept.snapshot > 0) return { outcome: describe(kept), mark: 'fine', expected: '' }
    if (left <= 0) return { outcome: 'none', mark: 'unavailable', expected: `${node} to have one` }
    await driver.wait(everyMs)
  }
}

function describe({ snapshot, first, last }: Kept): string {
  const log = first > last ? 'the log is empty' : `the log has ${first} to ${last}`
  return `of entries 1 to ${snapshot}; ${log}`
}
