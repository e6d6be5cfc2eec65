/** A follower's packets are really dropped for a long time: when it is back, it disturbs nobody. */
import t, { type Test } from 'tap'
import { type NetworkName, networkNames } from '../../src/stage.js'
import { size } from '../helpers/effort.js'
import { HostedCluster } from '../helpers/hosted-cluster.js'
import { Hosts, namespacesOnly } from '../helpers/namespaces.js'

const ids = ['n1', 'n2', 'n3']
/** Questions of a node that hears nobody, each after one to two seconds: would you elect me? */
const questions = size(4, 30)
/** Events that tell of a disturbance. */
const disturbs = new Set(['campaign', 'elected', 'deposed', 'quorum_lost'])

async function outage(t: Test, network: NetworkName): Promise<void> {
  const hosts = new Hosts(t, ids)
  const cluster = new HostedCluster(hosts, ids, 10, network)
  await cluster.founded()
  const { leader, term } = await cluster.status('n1')
  const follower = ids.find((id) => id !== leader)!
  const from = cluster.events.length
  hosts.lose(follower)
  const asked = () => cluster.events.slice(from).filter(({ event }) => event === 'pre_vote')
  await cluster.event(({ event, node }) => event === 'pre_vote' && node === follower, from)
  while (((await cluster.status(follower)).preVotes ?? 0) < questions);
  t.ok(
    asked().every(({ node }) => node === follower),
    `${network}: nobody else asks`,
  )
  hosts.heal(follower)
  while ((await cluster.status(follower)).leader !== leader);
  for (const id of ids) t.match(await cluster.status(id), { leader, term }, `${network}: ${id} follows as before`)
  t.same(
    cluster.events.slice(from).filter(({ event }) => disturbs.has(event)),
    [],
    `${network}: nobody stands for election`,
  )
}

t.test('a follower that no packet reached for long comes back without an election', namespacesOnly, async (t) => {
  await Promise.all(size(['tcp'] as const, networkNames).map((network) => outage(t, network)))
})
