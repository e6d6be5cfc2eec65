/** Nodes whose clients take all the file descriptors that they can get: the disk keeps its own. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import t, { type Test } from 'tap'
import { Client } from '../../client/client.js'
import { parseAddress } from '../../src/address.js'
import type { Status } from '../../src/contracts.js'
import { connectionLimits } from '../../src/network/connection-limits.js'
import { appPortsAbove, localAddress, metricsPortsAbove } from '../../src/network/local-members.js'
import { Raw, RunningCluster } from '../helpers/running.js'

/** Open files that each node may have, and connections to each of its ports, which together are many more. */
const [openFiles, connections] = [160, 200]

const ping = '{"command":"ping"}\n'

/** Opens a connection, says something, and tells how it ended: with words, without one, or not at all. */
async function knock(t: Test, address: string, words: string): Promise<{ socket: Socket; heard: string }> {
  const socket = connect(parseAddress(address)!)
  t.teardown(() => socket.destroy())
  let heard = ''
  const isTold = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      heard += String(bytes)
      resolve()
    })
    socket.on('error', () => {}).on('close', () => resolve())
  })
  socket.write(words)
  await isTold
  return { socket, heard }
}

t.test('a flood of connections: the disk goes on, and who is there is served', async (t) => {
  const options = ['--nodes', '3', '--app-ports', '--metrics', '--snapshot-entries', '20']
  const limited = ['sh', '-c', `ulimit -n ${openFiles}; exec "$@"`, 'sh']
  const cluster = await new RunningCluster(t, 10, options, limited).ready()
  const client = new Client({ addresses: cluster.addresses(), deadlineMs: 60_000 })
  t.teardown(() => client.close())
  const set = () => client.call({ command: 'set', key: 'a', value: '1' })
  t.match(await set(), { outcome: 'done' })

  const floods = cluster.nodes.map(async (node) => {
    for (const above of [appPortsAbove, metricsPortsAbove])
      for (let one = 0; one < connections; one++) t.teardown(hold(localAddress(node, above)))
    for (let one = 0; one < connections; one++) t.teardown(hold(node.peer))
    const knocks: Awaited<ReturnType<typeof knock>>[] = []
    // A few at a time: a connection on which nothing was asked yet would make room for the next one.
    while (knocks.length < connections)
      knocks.push(...(await Promise.all(Array.from({ length: 10 }, () => knock(t, node.client, ping)))))
    return knocks
  })
  const knocks = await Promise.all(floods)
  for (const [at, node] of cluster.nodes.entries()) {
    const served = knocks[at]!.filter(({ heard }) => heard.startsWith('{"ok":true'))
    const refused = knocks[at]!.filter(({ heard }) => heard.includes('"overloaded"'))
    const { clients } = connectionLimits(openFiles)
    t.ok(served.length > 0 && served.length <= clients, `${node.id} serves ${served.length} of ${connections}`)
    t.ok(refused.length > 0, `and tells ${refused.length} that there are too many`)
  }
  const from = cluster.events.length
  for (let write = 0; write < 60; write++) t.match(await set(), { outcome: 'done' })
  for (const { id } of cluster.nodes)
    await cluster.event(({ event, node }) => event === 'snapshot' && node === id, from)
  t.pass('every node has a snapshot of what was written meanwhile')
  t.notOk(
    cluster.events.some(({ event }) => event === 'node_died' || event === 'disk_failed' || event === 'disk_waits'),
  )

  for (const { socket } of knocks.flat()) socket.destroy()
  for (const { client: address } of cluster.nodes) await served(t, address)
  const { outcome, answer } = (await client.call({ command: 'info' })) as { outcome: string; answer?: { info: Status } }
  t.equal(outcome, 'done')
  t.ok(answer!.info.snapshot)
})

/** Holds a connection open that says nothing. @returns how it ends */
function hold(address: string): () => void {
  const socket = connect(parseAddress(address)!).on('error', () => {})
  return () => void socket.destroy()
}

/** Knocks until a newcomer is served: the node has to hear first that the others have gone. */
async function served(t: Test, address: string): Promise<void> {
  for (;;) {
    const raw = new Raw(t, address)
    raw.socket.write(ping)
    const [answer] = await raw.answers(1)
    raw.socket.destroy()
    if ((answer as { ok?: boolean } | undefined)?.ok) return
    await once(raw.socket, 'close').catch(() => {})
  }
}
