import { CallError, Client } from 'raft-roadmap'

const client = new Client({ addresses: (process.argv[2] ?? '127.0.0.1:7001').split(',') })

await client.set('fruit:apple', 'red')
await client.set('fruit:banana', 'yellow')
for await (const [key, value] of client.scan('fruit:')) console.log(`${key} is ${value}`)

const { members, leader } = await client.members()
console.log(`${leader} leads ${members.map(({ id }) => id).join(', ')}`)

const outcome = await client.call({ command: 'cas', key: 'fruit:apple', expected: 'green', value: 'brown' })
console.log(outcome.outcome === 'done' ? 'the apple was green' : `${outcome.outcome}: ${outcome.error.code}`)

try {
  await client.get('fruit:apple', { signal: AbortSignal.abort() })
} catch (error) {
  if (error instanceof CallError) console.log(`${error.code}: ${error.unknown ? 'nobody knows' : 'nothing was done'}`)
}
