import { createNode, type RaftNode, reducer } from 'raft-roadmap/raft'

interface Booking {
  seat: number
  by: string
}

const peers = [
  { id: 'n1', peer: '127.0.0.1:7104' },
  { id: 'n2', peer: '127.0.0.1:7105' },
  { id: 'n3', peer: '127.0.0.1:7106' },
]

const start = (self: (typeof peers)[0]) =>
  createNode({
    ...self,
    cluster: 'seats',
    bootstrap: peers,
    dataDir: null,
    machine: reducer({
      initial: 0,
      apply: (count: number, _booking: Booking) => ({ state: count + 1, result: count + 1 }),
    }),
  })

/** Books seats, each behind all bookings that this program has seen: so no seat is booked twice. */
async function book(node: RaftNode<Booking, number>, by: string, seats: number): Promise<void> {
  const { requests, responses } = node.channel({ from: 1 })
  const writer = requests.getWriter()
  let last = { index: 0, term: 0 }
  let booked = 0
  let mine = 0
  const ask = () => {
    const guard = { prevLogIndex: last.index, prevLogTerm: last.term }
    return writer.write({ id: 'book', type: 'AppendEntries', ...guard, entries: [{ seat: booked + 1, by }] })
  }
  await ask()
  for await (const response of responses) {
    if (response.type === 'Accepted' && response.lastIndex > last.index) {
      booked += response.entries.filter(({ index }) => index > last.index).length
      last = { index: response.lastIndex, term: response.lastTerm }
    }
    if (response.type === 'Accepted' && response.id === 'book' && ++mine === seats) return
    // Somebody was faster: look at the log, and then ask behind that.
    if (response.type === 'Rejected' && response.last) {
      const range = { startIndex: last.index + 1, endIndex: response.last.index }
      await writer.write({ id: 'look', type: 'IndexRange', ...range })
    } else if (response.id !== null) await ask()
  }
}

const nodes = await Promise.all(peers.map(start))
await Promise.all([book(nodes[0]!, 'Ann', 5), book(nodes[1]!, 'Ben', 5)])
const { index } = await nodes[0]!.propose({ seat: 11, by: 'the house' })
for await (const { command } of nodes[0]!.entries({ to: index, follow: true }))
  console.log(`seat ${command.seat}: ${command.by}`)
await Promise.all(nodes.map((node) => node.close()))
