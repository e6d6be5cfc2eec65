import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ndjson from 'ndjson'
import t, { type Test } from 'tap'
import { parse } from 'yaml'
import { Client } from '../../client/client.js'
import { freeBasePort } from '../../client/cluster/free-ports.js'
import { root } from '../docs.js'
import type { Happened } from '../helpers/happened.js'
import { bare, cli, main } from '../helpers/running.js'

/** A service of `docker-compose.yml` that is a node, as far as it matters here. */
interface Service {
  readonly name: string
  readonly command: readonly string[]
  /** The check of its health, after the name of the program. */
  readonly health: readonly string[]
  readonly place: Pick<Written, 'hostname' | 'volumes' | 'ports' | 'profiles'>
}

/** A service as the file has it. */
interface Written {
  readonly hostname: string
  readonly command?: string
  readonly volumes: readonly string[]
  readonly ports: readonly string[]
  readonly profiles?: readonly string[]
  readonly healthcheck: { readonly test: readonly string[] }
}

function services(): Service[] {
  const text = readFileSync(join(root, 'docker-compose.yml'), 'utf8')
  const written = (parse(text, { merge: true }) as { services: Record<string, Written> }).services
  return Object.entries(written).flatMap(([name, { command, healthcheck, hostname, volumes, ports, profiles }]) => {
    if (command === undefined) return []
    const [, program, ...health] = healthcheck.test
    t.equal(program, 'raft-roadmap')
    return [
      { name, command: command.split(' '), health, place: { hostname, volumes, ports, ...(profiles && { profiles }) } },
    ]
  })
}

/** A node as its container would start it, but on this machine: no names, other ports, another folder. */
function startNode(t: Test, { name, command }: Service, folder: string, here: (text: string) => string) {
  const args = command.map((word) => (word === '/data' ? join(folder, name) : here(word)))
  const node = bare(process.execPath, [main, ...args, '--json'])
  const ended = once(node, 'close')
  t.teardown(() => node.kill('SIGKILL'))
  const events = node.stdout!.pipe(ndjson.parse())
  const until = (isIt: (event: Happened) => boolean) =>
    new Promise<void>((resolve, reject) => {
      events.on('data', (event: Happened) => isIt(event) && resolve())
      node.once('close', () => reject(new Error(`${name} has ended`)))
    })
  return { name, node, until, ended }
}

t.test('docker-compose.yml: a service is a node of its own name, with its own ports and its own folder', async (t) => {
  const all = services()
  t.same(
    all.map(({ name }) => name),
    ['n1', 'n2', 'n3', 'n4', 'n5'],
  )
  for (const { name, command, health, place } of all) {
    const [client, peer] = [`${name}:700${name[1]}`, `${name}:710${name[1]}`]
    t.match(command.join(' '), new RegExp(`^node 10 --id ${name} --data-dir /data .*\\b${name}=${client}/${peer}\\b`))
    const where = { hostname: name, volumes: [`${name}:/data`], ports: [`127.0.0.1:700${name[1]}:700${name[1]}`] }
    t.same(place, ['n4', 'n5'].includes(name) ? { ...where, profiles: ['five'] } : where)
    t.match(health, ['client', '--connect', client])
    t.notOk(command.includes('--bootstrap'), 'no service founds a cluster by itself')
  }
})

t.test('its commands make a cluster of three, which takes in the other two', async (t) => {
  const base = await freeBasePort(5, '127.0.0.1')
  const here = (text: string) => text.replaceAll(/\bn\d:7(\d\d\d)\b/g, (_, port) => `127.0.0.1:${base + Number(port)}`)
  const all = services()
  const folder = t.testdir()
  const nodes = all.map((service) => startNode(t, service, folder, here))
  const isFounded = ({ event, voters, outgoing, learners }: Happened) =>
    event === 'members' && String(voters) === 'n1,n2,n3' && !outgoing && String(learners) === ''
  const founded = nodes[0]!.until(isFounded)
  await Promise.all(nodes.map(({ until }) => until(({ event }) => event === 'serving')))
  const client = new Client({ addresses: [here('n1:7001')], deadlineMs: 30_000 })
  t.teardown(() => client.close())
  const members = ['n1', 'n2', 'n3'].map((name) => here(`${name}=${name}:700${name[1]}/${name}:710${name[1]}`))
  t.match(await client.call({ command: 'found_cluster', members }), { outcome: 'done' })
  await founded
  await client.set('a', '1')
  for (const name of ['n4', 'n5']) {
    const [address, peer] = [here(`${name}:700${name[1]}`), here(`${name}:710${name[1]}`)]
    t.match(await client.call({ command: 'add_node', node: name, client: address, peer }), { outcome: 'done' })
  }
  t.equal(await client.get('a'), '1')
  for (const { name, health } of all) t.equal((await cli(health.map(here))).code, 0, `${name} is healthy`)
  for (const { name, node, ended } of nodes) {
    node.kill('SIGTERM')
    t.same(await ended, [0, null], `${name} ends by itself when it is told to stop`)
  }
})
