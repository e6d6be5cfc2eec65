/** A program that shares a log with others, without a lock: all of them count on, each behind what it has seen. */
import type { Channel, ChannelResponse } from '../../client/raft/index.js'
import { addTo, type Tally } from './tally.js'

type Response = ChannelResponse<number>

/**
 * Appends the numbers that follow the last one in the log, two at a time, until it has appended so often. The numbers in the
 * log are 1, 2, 3 and so on only if no two programs ever stand behind the same entry.
 *
 * @param hear hears each response, in order
 * @param pause passes before each append
 */
export async function countOn(
  { requests, responses }: Channel<number>,
  appends: number,
  hear: (response: Response) => void,
  pause: () => Promise<void> = async () => {},
): Promise<Tally> {
  const writer = requests.getWriter()
  const tally: Tally = { accepted: 0, rejected: 0, unknown: 0, told: [] }
  let last = { index: 0, term: 0 }
  let sent = 0
  const value = () => tally.told.at(-1)?.command ?? 0
  const append = async () => {
    await pause()
    const guard = { prevLogIndex: last.index, prevLogTerm: last.term }
    const entries = [value() + 1, value() + 2]
    await writer.write({ id: ++sent, type: 'AppendEntries', ...guard, entries, deadlineMs: 2_000 })
  }
  await append()
  for await (const response of responses) {
    hear(response)
    addTo(tally, response)
    if (response.type === 'Accepted' && response.lastIndex > last.index)
      last = { index: response.lastIndex, term: response.lastTerm }
    if (tally.accepted >= appends) break
    // A look at the log names a place from which on the program has seen everything.
    if (response.type === 'Rejected' && response.last)
      await writer.write({ id: 'look', type: 'IndexRange', startIndex: last.index + 1, endIndex: response.last.index })
    else if (response.id === 'look' || (response.id === sent && response.type !== 'Rejected')) await append()
    else if (response.type === 'Rejected') await append()
  }
  return tally
}
