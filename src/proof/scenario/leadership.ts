import { type Cast, leaderOf } from './cast.js'
import type { Mark } from './expectation.js'
import type { Driver, Leadership, Place } from './scenario.js'

/** Milliseconds between two looks at a cluster. */
const everyMs = 50

/** The result of a look, with its mark. */
export interface Finding {
  readonly outcome: string
  readonly mark: Mark
  readonly expected: string
}

/** Judges the leadership: looks again until it is as expected, or until its time is over. */
export async function judgeLeadership(said: Leadership, cast: Cast, driver: Driver): Promise<Finding> {
  const before = cast.seen
  let left = 'withinMs' in said ? said.withinMs : 0
  for (;;) {
    const places = await driver.places()
    const problem = problemOf(said.kind, places, before)
    if (problem === null || problem.mark === 'violated' || left <= 0) {
      const leader = leaderOf(places)
      if (said.kind !== 'no leader') cast.seen = leader
      return { outcome: describe(leader), mark: 'fine', expected: '', ...problem }
    }
    left -= everyMs
    await driver.wait(everyMs)
  }
}

type Problem = Omit<Finding, 'outcome'> & { readonly outcome?: string }

function problemOf(kind: Leadership['kind'], places: readonly Place[], before: Place | null): Problem | null {
  const leader = leaderOf(places)
  const rivals = places.filter(({ role, term }) => role === 'leader' && term === leader?.term)
  if (rivals.length > 1) return { ...violated('one leader a term'), outcome: rivals.map(describe).join(', ') }
  switch (kind) {
    case 'no leader':
      return leader === null ? null : violated('nobody to lead')
    case 'same leader':
      if (leader?.node === before?.node && leader?.term === before?.term) return null
      return violated(`${describe(before)}, as before`)
    case 'new leader':
      return leader !== null && leader.term > (before?.term ?? 0) ? null : missing('another leader')
    case 'no leader known':
      if (leader === null && places.every((place) => place.leader === null)) return null
      return missing('nobody to lead, and nobody to be taken for the leader')
    case 'one leader':
      if (leader !== null && places.every((place) => place.outsider || isWith(leader, place))) return null
      return missing('one leader, and all to follow it')
  }
}

const violated = (expected: string): Problem => ({ mark: 'violated', expected })
const missing = (expected: string): Problem => ({ mark: 'unavailable', expected })

/** Checks whether a node is this leader or follows it. A node that stands alone is its own. */
function isWith(leader: Place, place: Place): boolean {
  if (place.role === 'standalone') return true
  return place.node === leader.node || (place.role !== 'leader' && place.leader === leader.node)
}

function describe(leader: Place | null): string {
  if (leader?.role === 'standalone') return 'each stands alone'
  return leader === null ? 'nobody leads' : `${leader.node} leads term ${leader.term}`
}
