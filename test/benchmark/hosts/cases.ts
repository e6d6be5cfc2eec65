import type { NodeId } from '../../../src/contracts.js'

/** A state of the lines between the hosts. */
export interface Case {
  readonly title: string
  /** The fault words, by the leader and its followers. The last follower is the one whose line is bad. */
  faults(leader: NodeId, followers: readonly NodeId[]): readonly string[]
}

const ofLast = (words: (node: NodeId) => string) => (_leader: NodeId, followers: readonly NodeId[]) => [
  words(followers.at(-1)!),
]

/** Cases with a load on the leader, by the name that chooses them. */
export const cases = {
  healthy: { title: 'nothing is wrong', faults: () => [] },
  '150kB': { title: 'a follower behind 150 kB/s', faults: ofLast((node) => `rate ${node} 1200kbit`) },
  '1Mbit': { title: 'a follower behind 1 Mbit/s', faults: ofLast((node) => `rate ${node} 1mbit`) },
  '300ms': { title: 'a follower 300 ms away', faults: ofLast((node) => `delay ${node} 300ms`) },
  sites: {
    title: 'three sites, 50 ms each way',
    // The leader is in a site of two: a majority needs a host of another site.
    faults: (leader, [one, two, three]) => [`sites 50ms ${leader},${one} ${two},${three}`],
  },
} as const satisfies Readonly<Record<string, Case>>

export type CaseName = keyof typeof cases
/** The case without a generator: each host gets another address, one after another. */
export const rolling = 'rolling'
