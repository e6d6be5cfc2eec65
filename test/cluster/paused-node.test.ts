/** A process that is stopped (SIGSTOP) accepts connections, and answers nobody: no call waits for it. */
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { size } from '../helpers/effort.js'
import { cli, RunningCluster } from '../helpers/running.js'

/** Longer than any test should take: a call that waits for its deadline does not come to its end. */
const deadlineMs = 600_000

function open(t: Test, addresses: readonly string[]): Client {
  const client = new Client({ addresses, deadlineMs })
  t.teardown(() => client.close())
  return client
}

/** Each with its leader, if it has one: the first, or whoever was elected. */
async function cluster(t: Test, stage: number): Promise<{ running: RunningCluster; paused: string[] }> {
  const running = await new RunningCluster(t, stage).ready()
  if (stage === 1) return { running, paused: ['n1'] }
  const asked = await open(t, running.addresses()).call({ command: 'info' })
  if (asked.outcome !== 'done') throw new Error(asked.error.message)
  const { leader } = asked.answer.info as { leader: string }
  return { running, paused: [leader] }
}

for (const stage of size([1, 8], [1, 6, 8]))
  t.test(`stage ${stage}: the first address of a client is a node that is stopped`, async (t) => {
    const { running, paused } = await cluster(t, stage)
    const [first] = paused as [string]
    const addresses = [
      running.node(first).client,
      ...running.addresses().filter((a) => a !== running.node(first).client),
    ]
    const before = open(t, addresses)
    t.match(await before.call({ command: 'set', key: 'a', value: '0' }), { outcome: 'done' })
    await running.say(`pause ${first}`)
    const after = open(t, addresses)
    t.match(await after.call({ command: 'get', key: 'a' }), { outcome: 'done' }, 'a read')
    t.match(await open(t, addresses).call({ command: 'set', key: 'a', value: '1' }), { outcome: 'done' }, 'a write')
    t.match(
      await before.call({ command: 'set', key: 'b', value: '1' }),
      { outcome: 'done' },
      'on a connection that stood',
    )
    const connect = ['client', '--deadline', String(deadlineMs), '--connect', addresses.join(',')]
    t.match(await cli([...connect, 'set', 'a', '2']), { code: 0, stdout: 'ok\n' })
    t.match(await cli([...connect, 'get', 'a']), { code: 0, stdout: '2\n' })
    await running.say(`resume ${first}`)
    t.match(await after.call({ command: 'ping' }, { at: addresses[0]! }), { outcome: 'done' })
  })
