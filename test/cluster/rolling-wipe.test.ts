/** Replaced disks, on each network: followers get empty disks in turn, and nobody takes them in. */
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import type { Status } from '../../src/contracts.js'
import { size } from '../helpers/effort.js'
import { RunningCluster } from '../helpers/running.js'

function open(t: Test, cluster: RunningCluster): Client {
  const client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
  t.teardown(() => client.close())
  return client
}

async function info(client: Client, at?: string): Promise<Status> {
  const outcome = await client.call({ command: 'info' }, { ...(at !== undefined && { at }) })
  if (outcome.outcome !== 'done') throw new Error(outcome.error.message)
  return outcome.answer.info as Status
}

for (const network of size(['grpc'], ['grpc', 'udp']))
  t.test(`${network}: a replaced disk is told, counts for nothing, and is named as lost`, async (t) => {
    const cluster = await new RunningCluster(t, 8, ['--network', network]).ready()
    const client = open(t, cluster)
    await client.set('a', '1')
    const { leader } = await info(client)
    const others = cluster.nodes.map(({ id }) => id).filter((id) => id !== leader)
    const [first, second, third] = others as [string, string, string]
    for (const id of [first, second]) {
      const from = cluster.events.length
      for (const word of ['kill', 'wipe', 'restart']) await cluster.say(`${word} ${id}`)
      t.match(await cluster.event(({ event }) => event === 'disk_replaced', from), { member: id })
      await cluster.event(({ event, node }) => event === 'displaced' && node === id, from)
      await client.set(id, 'served')
    }
    t.match(await info(client), { disks: { [first]: 'replaced', [second]: 'replaced' } })
    const risk = await client.call({ command: 'reconfigure', voters: [leader!, first, second] })
    t.match(risk, { outcome: 'refused', error: { code: 'quorum_at_risk' } }, 'they are counted as lost')
    await cluster.say(`kill ${third}`)
    const write = await client.call({ command: 'set', key: 'b', value: '1' }, { deadlineMs: 3_000 })
    t.not(write.outcome, 'done', 'two real disks of five are no majority')
    await cluster.say(`restart ${third}`)
    await client.set('b', '2')
    const known = await info(client)
    await cluster.say(`kill ${known.leader}`)
    await cluster.say(`restart ${known.leader}`)
    await client.set('b', '3')
    t.match(await cluster.say(`add ${first}`), { event: 'changed' })
    t.equal(await client.get('b'), '3')
  })
