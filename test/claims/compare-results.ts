import { equal, ok, deepStrictEqual as same, throws } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, type Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { led } from './replication.js'

const size = 4
const followers = ['n2', 'n3', 'n4', 'n5']

/** Five nodes that compare, each four entries. */
const comparing = (stage: Stage) => led(stage, {}, { compareEntries: size })

/** Messages arrive, but for the sums. @returns them */
function runWithoutSums(cores: Cores): AnyMessage[] {
  const sums = cores.take({ type: 'ResultSum' })
  while (cores.air.length > 0) {
    cores.receive(cores.air.shift()!)
    sums.push(...cores.take({ type: 'ResultSum' }))
  }
  return sums
}

/** Writes until all nodes have performed so many entries. @returns the sums, which are on their way to the leader */
function performed(cores: Cores, upTo: number): AnyMessage[] {
  const sums = runWithoutSums(cores)
  while (cores.status('n1').log!.last < upTo) {
    cores.request('n1')
    sums.push(...runWithoutSums(cores))
  }
  cores.tick('n1', timing.heartbeatTicks)
  return [...sums, ...runWithoutSums(cores)]
}

const other = (message: AnyMessage) => ({ ...message, sum: Number(message.sum) + 1 })
const differing = (cores: Cores) => cores.take({ type: 'ResultsDiffer' }).map(({ to }) => to)
const told = (cores: Cores) => cores.events('n1').filter(({ event }) => event === 'results_differ')

/** State machine safety (figure 3), watched while a cluster runs. */
export const comparingClaims: Claims = {
  'each follower tells its leader the sum of each window of entries, and equal results have equal sums'(stage) {
    const cores = comparing(stage)
    const heard = performed(cores, 2 * size + 1)
    for (const index of [size, 2 * size]) {
      const ofWindow = heard.filter((message) => message.index === index)
      same(ofWindow.map(({ from }) => from).sort(), followers)
      equal(new Set(ofWindow.map(({ sum }) => sum)).size, 1)
    }
    const [first, second] = [size, 2 * size].map((index) => heard.find((message) => message.index === index)!.sum)
    ok(first !== second, 'other entries have another sum')
    for (const message of heard) cores.receive(message)
    same([differing(cores), told(cores)], [[], []])
  },
  'a node whose sum is another than that of a quorum must stop, and says which entries it were'(stage) {
    const cores = comparing(stage)
    for (const message of performed(cores, size + 1)) cores.receive(message.from === 'n3' ? other(message) : message)
    same(told(cores), [{ event: 'results_differ', node: 'n1', replica: 'n3', from: 1, upTo: size }])
    cores.run()
    throws(() => cores.tick('n3'), /n3 has performed the entries 1 to 4 with other results/)
    cores.tick('n1')
    cores.tick('n2')
  },
  'a leader that differs stops as well'(stage) {
    const cores = comparing(stage)
    for (const message of performed(cores, size + 1)) cores.receive(other(message))
    same(differing(cores), [])
    throws(() => cores.tick('n1'), /n1 has performed the entries 1 to 4 with other results/)
  },
  'where all differ and no quorum agrees, nobody knows which is right, and all stop'(stage) {
    const cores = comparing(stage)
    for (const [at, message] of performed(cores, size + 1).entries()) cores.receive({ ...message, sum: at + 1 })
    same(differing(cores).sort(), followers)
    throws(() => cores.tick('n1'), /other results/)
  },
  'a node that starts behind a snapshot says nothing of the window in which it begins'(stage) {
    const cores = comparing(stage)
    performed(cores, size + 2)
    cores.request('n3', { command: 'snapshot_now' })
    cores.save('n3')
    cores.crash('n3')
    const heard = performed(cores, 3 * size + 1).filter(({ index }) => Number(index) > size)
    const ofNode = (id: string) => heard.filter(({ from }) => from === id).map(({ index }) => index)
    same(ofNode('n2'), [2 * size, 3 * size])
    same(ofNode('n3'), [3 * size])
    for (const message of heard) cores.receive(message)
    same(told(cores), [])
  },
  'without the setting nothing is sent, and nobody is heard'(stage) {
    const cores = led(stage)
    same(performed(cores, 2 * size + 1), [])
    const common = { term: cores.status('n1').term!, index: size }
    for (const from of followers) cores.receive({ type: 'ResultSum', from, to: 'n1', ...common, sum: 7 })
    cores.receive({ type: 'ResultsDiffer', from: 'n1', to: 'n2', ...common })
    same([differing(cores), told(cores)], [[], []])
    cores.tick('n2')
  },
}

/** §7: a snapshot that a client asks for. */
export const wishedSnapshotClaims: Claims = {
  'a client that asks for a snapshot is told when one is durable that holds all entries performed so far'(stage) {
    const cores = led(stage)
    const wish = { command: 'snapshot_now' }
    performed(cores, 3)
    cores.run()
    const requests = [cores.request('n2', wish), cores.request('n2', wish)]
    const { index } = cores.saving('n2')!
    ok(index >= 2)
    equal(cores.answer('n2', requests[0]!), null)
    cores.save('n2')
    const [answer] = requests.map((request) => cores.answer('n2', request))
    ok(answer?.ok)
    equal(answer.index, index)
    same(cores.answer('n2', requests[1]!), answer)
    const again = cores.request('n2', wish)
    same(cores.answer('n2', again), answer, 'nothing is new')
    equal(cores.saving('n2'), null)
  },
  'a wish that comes while a snapshot is written waits for the next, if that one lacks entries'(stage) {
    const cores = led(stage)
    const wish = { command: 'snapshot_now' }
    performed(cores, 3)
    cores.run()
    const first = cores.request('n1', wish)
    performed(cores, 6)
    cores.run()
    const second = cores.request('n1', wish)
    cores.save('n1')
    ok(cores.answer('n1', first)?.ok)
    equal(cores.answer('n1', second), null)
    cores.save('n1')
    ok(cores.answer('n1', second)?.ok)
  },
  'where there is nothing to write down, or no room, the client is refused'(stage) {
    const cores = led(stage)
    const wish = { command: 'snapshot_now' }
    cores.run()
    const request = cores.request('n1', wish)
    if (!cores.answer('n1', request)) cores.giveUp('n1')
    const answer = cores.answer('n1', request)
    ok(answer && !answer.ok && answer.error.definite)
  },
}
