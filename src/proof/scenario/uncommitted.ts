import type { NodeId } from '../../contracts.js'
import { leaderOf } from './cast.js'
import type { Finding } from './leadership.js'
import type { Driver, Kept, Uncommitted } from './scenario.js'

/** Milliseconds between two looks at the logs. */
const everyMs = 50

/** Looks again until the leader's last entry is in the logs of a majority and not committed, or until the time is over. */
export async function judgeUncommitted({ withinMs }: Uncommitted, driver: Driver): Promise<Finding> {
  for (let left = withinMs; ; left -= everyMs) {
    const leader = leaderOf(await driver.places())?.node
    const voters = (await driver.members())?.voters ?? driver.nodes
    const outcome = entryOnMajority(await driver.kept(), leader, voters)
    if (outcome !== null) return { outcome, mark: 'fine', expected: '' }
    if (left <= 0)
      return { outcome: 'none', mark: 'unavailable', expected: 'an entry in most of the logs, not committed' }
    await driver.wait(everyMs)
  }
}

/** Describes the entry and the nodes that have it; null where there is none. */
function entryOnMajority(logs: readonly Kept[], leader: NodeId | undefined, voters: readonly NodeId[]): string | null {
  const own = logs.find(({ node }) => node === leader)
  if (own === undefined || own.last <= own.commit) return null
  const having = logs.filter(({ node, last }) => voters.includes(node) && last >= own.last).map(({ node }) => node)
  return having.length * 2 > voters.length ? `entry ${own.last} at ${having.join(' ')}` : null
}
