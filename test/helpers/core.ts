import {
  defaultTiming,
  type Member,
  type NodeOptions,
  nothingRecovered,
  type Random,
  type Recovered,
} from '../../src/contracts.js'

/** Members n1, n2 and so on, at addresses that nobody listens on. */
export function memberList(count: number): Member[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `n${at + 1}`,
    client: `127.0.0.1:${at + 1}`,
    peer: `127.0.0.1:${101 + at}`,
  }))
}

export const five: Member[] = memberList(5)

/** No chance at all. */
export const always = (drawn: number): Random => ({ next: () => drawn })

/** What a node needs to be made, without chance or time. */
export function nodeOptions(
  id: string,
  members: readonly Member[] = five,
  recovered: Recovered = nothingRecovered,
): NodeOptions {
  const timing = { ...defaultTiming, requestTimeoutTicks: 3 }
  const machineClock = { now: () => 0 }
  return { id, members, random: always(0.5), timing, recovered, bootstrap: false, machineClock, about: {} }
}
