/** The packets of a client are really dropped for a while: afterwards it does not wait for its old connections. */
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import type { Outcome } from '../../src/contracts.js'
import { HostedCluster } from '../helpers/hosted-cluster.js'
import { Hosts, namespacesOnly } from '../helpers/namespaces.js'

const caller = fileURLToPath(new URL('../helpers/caller.js', import.meta.url))
const ids = ['n1', 'n2', 'n3']
const deadlineMs = 2_000
/** Calls that end without an answer, one after another: meanwhile the pauses of the kernel have grown long. */
const failures = 5

t.test('a client that no packet reached for long is served again over new connections', namespacesOnly, async (t) => {
  const hosts = new Hosts(t, [...ids, 'client'])
  const cluster = new HostedCluster(hosts, ids, 10, 'tcp')
  await cluster.founded()
  const addresses = cluster.members.map(({ client }) => client)
  const client = hosts.spawn('client', process.execPath, [caller, JSON.stringify({ addresses, deadlineMs })])
  const until = async (isSo: (outcome: Outcome['outcome']) => boolean, times: number) => {
    for (let left = times; left > 0; ) {
      const [outcome] = (await once(client, 'message')) as [Outcome['outcome']]
      if (isSo(outcome)) left--
    }
  }
  await until((outcome) => outcome === 'done', 10)
  const before = hosts.connections('client').map(([own]) => own)
  t.ok(before.length > 0)
  hosts.lose('client')
  await until((outcome) => outcome !== 'done', failures)
  hosts.heal('client')
  await until((outcome) => outcome === 'done', 1)
  const after = hosts.connections('client').map(([own]) => own)
  t.same(
    after.filter((port) => before.includes(port)),
    [],
    'the old connections are gone',
  )
})
