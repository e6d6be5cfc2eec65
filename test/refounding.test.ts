import t from 'tap'
import { wrongRules } from '../client/proof/wrong-rules/index.js'
import { type Answer, type Command, type NodeId, payloadOf } from '../src/contracts.js'
import { SimulatedCluster, simulatedMembers } from '../src/proof/simulation/cluster.js'
import type { Stage } from '../src/stage.js'
import { configurationIn } from '../stages/8-membership/configuration.js'
import membership from '../stages/8-membership/stage.js'

const three = ['n1', 'n2', 'n3']
const foul = { minDelayMs: 0, maxDelayMs: 30, loss: 0.05, duplication: 0.1, straggling: 0.1, straggleFactor: 8 }

/** What became of a cluster whose only founder lost its disk, and founded another one under the same name. */
interface Aftermath {
  /** A node ended by itself, because its log would have held two histories. */
  readonly failed: readonly string[]
  /** The origins in the log of each node. */
  readonly origins: readonly string[]
  /** Which of the first cluster's writes its two other nodes hold. */
  readonly kept: number
  /** What the leader of the first said when it was asked to take the founder of the second in. */
  readonly addition: string
}

async function refound(stage: Stage, seed: number): Promise<Aftermath> {
  const failed: string[] = []
  const trace = ({ event, message }: { event: string; message?: unknown }) => {
    if (event === 'node_failed') failed.push(String(message))
  }
  const cluster = await SimulatedCluster.start({ stage, seed, nodes: 1, trace })
  const members = simulatedMembers(3)
  const call = async (id: NodeId, command: Command) => {
    let given: Answer | undefined
    cluster.ask(id, command, (answer) => {
      given = answer
    })
    await cluster.until(() => given !== undefined, 60_000)
    return given?.ok ? 'ok' : (given?.error.code ?? 'nothing')
  }
  const addition = ({ id, client, peer }: (typeof members)[number]) => ({ command: 'add_node', node: id, client, peer })
  await cluster.pass(1_000)
  for (const member of members.slice(1)) await call('n1', addition(member))
  for (let count = 0; count < 10; count++) await call('n1', { command: 'set', key: `k${count}`, value: '1' })
  await cluster.until(() => three.every((id) => cluster.host(id).contents().size === 10), 10_000)
  cluster.kill('n1')
  cluster.wipe('n1')
  cluster.split(['n1'])
  cluster.restart('n1')
  await cluster.until(() => cluster.host('n1').node?.status.role === 'leader', 30_000)
  for (let count = 0; count < 30; count++) await call('n1', { command: 'set', key: `x${count}`, value: '1' })
  cluster.network.weather = foul
  cluster.heal()
  await cluster.pass(20_000)
  const leads = (id: NodeId) => cluster.host(id).node?.status.role === 'leader'
  const leader = ['n2', 'n3'].find(leads) ?? 'n2'
  const added = await call(leader, addition(members[0]!))
  await cluster.pass(10_000)
  const originsOf = (id: NodeId) => {
    const held = (cluster.host(id).node?.entries(1) ?? []).map(payloadOf)
    const named = held.flatMap(
      (one) => configurationIn('configuration' in one ? one.configuration : null)?.origin ?? [],
    )
    return [...new Set(named)].join(' and ')
  }
  const kept = ['n2', 'n3'].map((id) => [...cluster.host(id).contents().keys()].filter((key) => key.startsWith('k')))
  return { failed, origins: three.map(originsOf), kept: Math.min(...kept.map(({ length }) => length)), addition: added }
}

t.test('a cluster that is founded again under its name stays another one, in any weather', async (t) => {
  for (let seed = 1; seed <= 8; seed++) {
    const { failed, origins, kept, addition } = await refound(membership, seed)
    t.same(failed, [], `seed ${seed}`)
    t.equal(kept, 10, `seed ${seed}: what was acknowledged is there`)
    t.equal(addition, 'not_caught_up', `seed ${seed}: its founder is not taken in`)
    t.not(origins[0], origins[1], `seed ${seed}`)
    t.equal(origins[1], origins[2], `seed ${seed}`)
    t.notMatch(origins.join(' '), / and /, `seed ${seed}: one log, one history`)
  }
})

t.test('where clusters are known by their names, the history of the one destroys the other', async (t) => {
  const { stage } = wrongRules.find(({ name }) => name === 'clusters-known-by-name')!
  const all = await Promise.all([1, 2, 3, 4].map((seed) => refound(stage, seed)))
  t.ok(all.some(({ failed, kept }) => failed.length > 0 || kept < 10))
})
