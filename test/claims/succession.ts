import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { led } from './replication.js'

/** Small enough that every message holds one entry. */
const oneEntry = 1

/**
 * Figure 8, (a) to (c). (a) n1 leads term 2 and brings its entry 2 to n2. (b) It crashes; n5 leads term 3 with the votes
 * of n3 and n4, and has another entry 2. (c) It crashes; n1 leads term 4 and brings the old entry 2 to n3: it is on a
 * majority now. Its entry 3, of its own term, is nowhere else.
 */
function figure8(stage: Stage): Cores {
  const past = { log: [1] }
  const cores = new Cores(stage, { n1: past, n2: past, n3: past, n4: past, n5: past }, { appendBytes: oneEntry })
  ok(campaign(cores, 'n1', ['n2', 'n3']))
  cores.deliver({ type: 'AppendEntries', to: 'n2' })
  cores.take()
  cores.crash('n1')
  ok(campaign(cores, 'n5', ['n3', 'n4']))
  cores.take()
  cores.crash('n5')
  ok(campaign(cores, 'n1', ['n2', 'n3']))
  for (let round = 0; round < 4 && cores.log('n3').length < 2; round++) {
    cores.deliver({ type: 'AppendEntries', to: 'n3' })
    cores.deliver({ from: 'n3', to: 'n1' })
  }
  cores.take()
  cores.tick('n1', timing.heartbeatTicks)
  for (const id of ['n2', 'n3']) {
    cores.air = cores.air.filter(({ to, entries }) => to !== id || entries?.length === 0)
    cores.deliver({ type: 'AppendEntries', to: id })
  }
  cores.deliver({ to: 'n1' })
  same(
    cores.ids.map((id) => cores.log(id)),
    [[1, 2, 4], [1, 2], [1, 2], [1], [1, 3]],
  )
  return cores
}

/** Whom n1 led before n3 was elected; n1 does not know yet that it is deposed, and a client waits there. */
function deposedUnawares(stage: Stage) {
  const cores = led(stage)
  const request = cores.request('n1')
  cores.take()
  ok(campaign(cores, 'n3', ['n2', 'n4', 'n5']))
  cores.run(['n2', 'n3', 'n4', 'n5'])
  return { cores, request }
}

/** §5.4.2 and §8: what a leader does with what its predecessors left. */
export const successionClaims: Claims = {
  'figure 8 (c): an entry of an earlier term is not committed, though a majority has it (E8)'(stage) {
    const cores = figure8(stage)
    same([cores.status('n1').commit, cores.applied('n1').includes(2)], [0, false])
  },
  'figure 8 (d): so it may be overwritten, by a node whose last entry is of a later term (E8)'(stage) {
    const cores = figure8(stage)
    cores.crash('n1')
    cores.take()
    ok(campaign(cores, 'n5', ['n2', 'n3', 'n4']))
    cores.run()
    for (const id of cores.ids) same(cores.log(id).slice(0, 2), [1, 3])
  },
  'figure 8 (e): with an entry of the own term on a majority both are committed, and nobody can undo it (E8)'(stage) {
    const cores = figure8(stage)
    for (let interval = 0; interval < 3; interval++) {
      cores.tick('n1', timing.heartbeatTicks)
      cores.run(['n1', 'n2', 'n3'])
    }
    same([cores.log('n2'), cores.log('n3'), cores.status('n1').commit], [[1, 2, 4], [1, 2, 4], 3])
    cores.crash('n1')
    cores.take()
    equal(campaign(cores, 'n5', ['n2', 'n3', 'n4'], 5), false)
  },
  "a new leader commits its predecessor's entries without a new write (§8, E9)"(stage) {
    const cores = led(stage)
    cores.request('n1')
    cores.deliver({ type: 'AppendEntries' })
    cores.take()
    const written = cores.log('n2').length
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    cores.run(['n2', 'n3', 'n4', 'n5'])
    ok(cores.applied('n2').includes(written))
  },
  'leaders: what a new leader says first says who leads, and nobody else stands any more (§5.2)'(stage) {
    const cores = led(stage)
    for (const id of cores.ids) same([cores.status(id).leader, cores.status(id).term], ['n1', 1])
  },
  'leaders: what followers have is found out anew in each office (figure 2: matchIndex begins at 0)'(stage) {
    const cores = led(stage)
    for (let write = 0; write < 4; write++) cores.request('n1')
    for (let round = 0; round < 3; round++) cores.run(['n1', 'n2'])
    ok(campaign(cores, 'n3', ['n4', 'n5']))
    cores.run()
    ok(campaign(cores, 'n1', ['n3', 'n4', 'n5']))
    const { commit, term } = cores.status('n1')
    cores.run(['n1', 'n5'])
    equal(cores.log('n5').at(-1), term)
    equal(cores.status('n1').commit, commit, 'two of five have it')
  },
  'a late notice of the disk about an entry that was taken back does not count for the one in its place (B8)'(stage) {
    const cores = led(stage)
    cores.slow('n1')
    const request = cores.request('n1')
    cores.run(['n1', 'n2', 'n3'])
    cores.durable('n1', { index: cores.log('n1').length, term: 0 })
    same(cores.performed('n1'), [])
    cores.sync('n1')
    same(cores.performed('n1'), [request])
  },
  'a deposed leader tells its clients at once that it cannot know the outcome (E6)'(stage) {
    const { cores, request } = deposedUnawares(stage)
    cores.tick('n1', timing.heartbeatTicks)
    cores.run()
    const replies = cores.replies('n1').filter((reply) => reply.request === request)
    equal(replies.length, 1)
    const answer = replies[0]!.answer
    same(answer.ok === false && [answer.error.code, answer.error.definite], ['leadership_lost', false])
  },
  'its tail is replaced by what the new leader has, and nobody who waited gets the answer of another (E6)'(stage) {
    const { cores, request } = deposedUnawares(stage)
    cores.request('n3')
    for (let interval = 0; interval < 3; interval++) {
      cores.tick('n3', timing.heartbeatTicks)
      cores.run()
    }
    same(cores.onDisk('n1').entries, cores.onDisk('n3').entries)
    same([cores.applied('n1'), cores.performed('n1').includes(request)], [cores.applied('n3'), false])
  },
  'a new leader that is behind performs all that came before a read, and then the read (E11)'(stage) {
    const cores = led(stage)
    cores.request('n1')
    cores.run()
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    const before = cores.log('n2').length
    const read = cores.request('n2', { command: 'get', key: 'k' })
    const answered = () => [...cores.performed('n2'), ...cores.acts('n2').readings.map(({ request }) => request)]
    same(answered(), [])
    cores.run(['n2', 'n3', 'n4', 'n5'])
    ok(cores.applied('n2').at(-1)! >= before)
    same(answered(), [read])
  },
  'two leaders of one term cannot be: a leader that hears another stops'(stage) {
    const cores = led(stage)
    cores.request('n1')
    const [append] = cores.take({ to: 'n2' }) as [AnyMessage]
    let stopped = false
    try {
      cores.receive({ ...append, from: 'n2', to: 'n1' })
    } catch {
      stopped = true
    }
    equal(stopped, true)
  },
}
