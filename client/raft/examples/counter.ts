import { createInterface } from 'node:readline'
import { createNode, reducer } from 'raft-roadmap/raft'

interface Add {
  add: number
}

const peers = [
  { id: 'n1', peer: '127.0.0.1:7101' },
  { id: 'n2', peer: '127.0.0.1:7102' },
  { id: 'n3', peer: '127.0.0.1:7103' },
]
const self = peers.find(({ id }) => id === process.argv[2]) ?? peers[0]!

const node = await createNode({
  ...self,
  cluster: 'counting',
  bootstrap: peers,
  dataDir: `data/${self.id}`,
  machine: reducer({
    initial: 0,
    apply: (total: number, { add }: Add) => ({ state: total + add, result: total + add }),
    query: (total: number, _query: 'total') => total,
  }),
})

node.on('leader', (leader) => console.log(`${leader ?? 'no node'} leads`))

for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'total') console.log(`total ${(await node.read('total')).answer}`)
  else {
    const outcome = await node.tryPropose({ add: Number(line) })
    console.log(outcome.outcome === 'done' ? `now ${outcome.result}` : `${outcome.outcome}: ${outcome.error.message}`)
  }
}

await node.close()
