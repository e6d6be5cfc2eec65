/** A follower's packets are really dropped for a long time: afterwards it is found before it stands for election often. */
import type { ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import ndjson from 'ndjson'
import t, { type Test } from 'tap'
import { type NetworkName, networkNames } from '../../src/stage.js'
import { isLong, longOnly } from '../helpers/effort.js'
import type { Happened } from '../helpers/happened.js'
import { Hosts, namespacesOnly } from '../helpers/namespaces.js'

const entry = fileURLToPath(new URL('../../client/node-entry.js', import.meta.url))
const ids = ['n1', 'n2', 'n3']
const pace = { heartbeatMs: 100, electionMs: 1_000 }
/** Elections of a node that hears nobody, each after one to two seconds. */
const elections = 30

/** What has happened on all hosts, in the order in which it was heard of. */
class Story {
  readonly events: Happened[] = []
  readonly #watchers = new Set<() => void>()

  follow({ stdout }: ChildProcess): void {
    stdout!.pipe(ndjson.parse()).on('data', (event: Happened) => {
      this.events.push(event)
      for (const watcher of this.#watchers) watcher()
    })
  }

  of(event: string, node: string, from = 0): Happened[] {
    return this.events.slice(from).filter((one) => one.event === event && one.node === node)
  }

  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) {
      await new Promise<void>((resolve) => {
        const watcher = () => {
          this.#watchers.delete(watcher)
          resolve()
        }
        this.#watchers.add(watcher)
      })
    }
  }
}

async function outage(t: Test, network: NetworkName): Promise<void> {
  const hosts = new Hosts(t, ids)
  const members = ids.map((id) => ({ id, client: `${hosts.address(id)}:7001`, peer: `${hosts.address(id)}:7101` }))
  const story = new Story()
  for (const id of ids) {
    const kept = { dataDir: null, log: 'memory', trace: null } as const
    const config = { stage: 7, id, members, network, cluster: 'dropped', ...kept, ...pace }
    story.follow(hosts.spawn(id, process.execPath, [entry, JSON.stringify(config)]))
  }
  await story.until(() => ids.some((id) => story.of('elected', id).length > 0))
  const leader = story.events.find(({ event }) => event === 'elected')!.node
  const follower = ids.find((id) => id !== leader)!
  const before = story.of('campaign', follower).length
  hosts.lose(follower)
  await story.until(() => story.of('campaign', follower).length >= before + elections)
  const term = Number(story.of('campaign', follower).at(-1)!.term)
  const healed = story.events.length
  hosts.heal(follower)
  await story.until(() => story.events.slice(healed).some((one) => one.event === 'elected' && Number(one.term) >= term))
  const campaigns = story.of('campaign', follower, healed).length
  t.ok(campaigns <= 3, `${network}: it campaigned ${campaigns} times after the heal, from term ${term} on`)
}

const name = 'a follower that no packet reached for long is led again before it campaigns often'
t.test(name, isLong ? namespacesOnly : longOnly, async (t) => {
  await Promise.all(networkNames.map((network) => outage(t, network)))
})
