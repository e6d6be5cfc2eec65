/**
 * A cluster of etcd on hosts, as a program that runs in namespaces of its own. `test/cluster/hosts.test.ts` starts it.
 */
import t from 'tap'
import { etcdClient } from '../../client/engine/etcd/client.js'
import type { Command } from '../../src/contracts.js'
import { RunningCluster } from '../helpers/running.js'

// The command line makes its hosts here, where this program is, and not in namespaces of its own.
process.env[process.argv[2]!] = '1'

const ids = ['n1', 'n2', 'n3', 'n4', 'n5']
const read: Command = { command: 'get', key: 'a' }

/** Asks one node, over a connection of its own: one to an address that is gone would be silent for long. */
const ask = async (cluster: RunningCluster, node: string, command: Command) => {
  const at = cluster.node(node).client
  const one = etcdClient({ addresses: [at], deadlineMs: 2_000 })
  try {
    return await one.call(command, { at })
  } finally {
    one.close()
  }
}
/** Asks a node until it has done what is asked; only for what may be done twice. */
const doneAt = async (cluster: RunningCluster, node: string, command: Command) => {
  for (;;) {
    const outcome = await ask(cluster, node, command)
    if (outcome.outcome === 'done') return outcome.answer
  }
}

t.test('etcd loses its cables, its addresses, its links and its leader, and nothing else', async (t) => {
  const cluster = await new RunningCluster(t, 'etcd', ['--hosts', 'netns']).ready()
  const leaderOf = () => String(cluster.events.findLast(({ event }) => event === 'leads')!.node)
  const done = (node: string, command: Command) => doneAt(cluster, node, command)
  /** Waits until others have elected one of them in the place of this node. */
  const replaced = (node: string, from: number) =>
    cluster.event(({ event, node: leader }) => event === 'leads' && leader !== node, from)

  await cluster.event(({ event }) => event === 'leads')
  await done(leaderOf(), { command: 'set', key: 'a', value: '1' })

  const first = leaderOf()
  let from = cluster.events.length
  await cluster.say(`unplug ${first}`)
  await replaced(first, from)
  await done(leaderOf(), { command: 'set', key: 'a', value: '2' })
  t.not((await ask(cluster, first, read)).outcome, 'done', 'a leader without a cable serves nobody')
  await cluster.say(`plug ${first}`)
  t.match(await done(first, read), { value: '2' }, 'it follows when its cable is plugged in')

  for (const id of ids.slice(0, 2)) {
    await cluster.say(`move ${id}`)
    t.match(await done(id, read), { value: '2' }, `${id} is found at its new address`)
  }

  const [one, other] = ids.filter((id) => id !== leaderOf())
  await cluster.say(`split ${one} ${other}`)
  t.not((await ask(cluster, one!, read)).outcome, 'done', 'two of five serve nobody')
  await cluster.say('heal')
  t.match(await done(one!, read), { value: '2' })

  for (const fault of [`delay ${one} 20..40ms`, `sites 20ms ${one} ${other}`]) {
    t.not((await cluster.say(fault)).event, 'refused', fault)
    t.match(await done(one!, read), { value: '2' })
  }
  await cluster.say('heal')

  const last = leaderOf()
  from = cluster.events.length
  await cluster.say(`kill ${last}`)
  await replaced(last, from)
  await done(leaderOf(), { command: 'set', key: 'a', value: '3' })
  t.match(await cluster.say(`restart ${last}`), { event: 'restarted', node: last })
  t.match(await done(last, read), { value: '3' })
})
