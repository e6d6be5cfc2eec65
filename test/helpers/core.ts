import { defaultTiming, type Member, type NodeOptions, nothingRecovered, type Recovered } from '../../src/contracts.js'

/** Members n1 … n5 at addresses that nobody listens on. */
export const five: Member[] = [1, 2, 3, 4, 5].map((number) => ({
  id: `n${number}`,
  client: `127.0.0.1:${number}`,
  peer: `127.0.0.1:${100 + number}`,
}))

/** What a node needs to be made, without chance or time. */
export function nodeOptions(
  id: string,
  members: readonly Member[] = five,
  recovered: Recovered = nothingRecovered,
): NodeOptions {
  const timing = { ...defaultTiming, requestTimeoutTicks: 3 }
  return { id, members, random: { next: () => 0.5 }, timing, recovered, bootstrap: false, about: {} }
}
