import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { Timing } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { type AnyMessage, Cores, entryOf, type Past, timing } from '../helpers/cores.js'
import type { Claims } from './claim.js'

const followers = ['n2', 'n3', 'n4', 'n5']

/** Five nodes that n1 leads, after everything was said. */
export function led(stage: Stage, pasts: Readonly<Record<string, Past>> = {}, limits: Partial<Timing> = {}): Cores {
  const cores = new Cores(stage, pasts, limits)
  cores.elect('n1')
  cores.run()
  return cores
}

const entriesIn = (message: AnyMessage) => message.entries ?? []
const appends = (cores: Cores, to: string) => cores.air.filter((one) => one.type === 'AppendEntries' && one.to === to)

/** A write, and the copies that these followers answer for; the other messages are lost. */
function copied(cores: Cores, to: readonly string[]): number {
  const request = cores.request('n1')
  cores.run(['n1', ...to])
  return request
}

/** Figure 7: the leader of term 8, and what a follower may have missed, or have that nobody else has. */
const figure7 = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
const figure7Followers = {
  a: [1, 1, 1, 4, 4, 5, 5, 6, 6],
  b: [1, 1, 1, 4],
  c: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
  d: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
  e: [1, 1, 1, 4, 4, 4, 4],
  f: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
}

/** How often n2 refuses until its log is that of the leader n1, which all others have. */
function refusalsUntilEqual(stage: Stage, leader: readonly number[], log: readonly number[]): number {
  const term = Math.max(...leader, ...log)
  const past = { log: leader, term }
  const cores = led(stage, { n1: past, n2: { log, term }, n3: past, n4: past, n5: past })
  cores.request('n1')
  cores.run()
  same(cores.log('n2'), cores.log('n1'))
  same(cores.onDisk('n2').entries, cores.onDisk('n1').entries)
  return cores.heard.filter(({ type, from }) => type === 'AppendEntriesConflict' && from === 'n2').length
}

/** Figure 2, rules for servers: leaders; §5.3. */
export const replicationClaims: Claims = {
  'leaders: a command goes into the log, to all followers at once, and is answered when it has been performed'(stage) {
    const cores = led(stage)
    const request = cores.request('n1')
    for (const to of followers) equal(appends(cores, to).flatMap(entriesIn).length, 1)
    same([cores.performed('n1'), cores.replies('n1')], [[], []])
    cores.run()
    same(cores.performed('n1'), [request])
  },
  'leaders: entries that wait for a majority fill a bounded memory; what is refused is refused for certain'(stage) {
    const cores = led(stage)
    const large = { command: 'set', key: 'k', value: 'x'.repeat(1024 * 1024) }
    const requests = Array.from({ length: 40 }, () => cores.request('n1', large))
    const codes = requests.map((request) => {
      const answer = cores.answer('n1', request)
      return answer && !answer.ok ? answer.error.code : null
    })
    const kept = codes.indexOf('overloaded')
    ok(kept > 0 && kept <= 32, `${kept} MiB of text, and as much of commands`)
    same(new Set(codes.slice(kept)), new Set(['overloaded']))
  },
  'leaders: nextIndex begins behind the last entry (figure 2)'(stage) {
    const past = { log: [1, 1, 2] }
    const cores = new Cores(stage, { n1: past, n2: past, n3: past, n4: past, n5: past })
    cores.elect('n1')
    cores.request('n1')
    const [first] = [...cores.heard, ...cores.air].filter(({ type }) => type === 'AppendEntries')
    same([first?.prevLogIndex, first?.prevLogTerm], [3, 2])
  },
  'leaders: an entry is committed at the third disk of five, the own one counted, and performed once'(stage) {
    const cores = led(stage)
    const request = copied(cores, ['n2'])
    same(cores.performed('n1'), [], 'two of five')
    cores.tick('n1', timing.heartbeatTicks)
    copied(cores, ['n2', 'n3'])
    same(cores.performed('n1')[0], request, 'three of five')
    same(new Set(cores.applied('n1')).size, cores.applied('n1').length)
  },
  'leaders: the own copy counts when the own disk has it, and not before'(stage) {
    const cores = led(stage)
    cores.slow('n1')
    const request = copied(cores, ['n2', 'n3'])
    same(cores.performed('n1'), [], 'two disks and one memory')
    cores.sync('n1')
    same(cores.performed('n1'), [request])
  },
  'followers perform what is committed in the order of the log, each entry once (§5.3)'(stage) {
    const cores = led(stage)
    for (let round = 0; round < 4; round++) {
      cores.request('n1')
      cores.request('n1')
      cores.run()
      for (const id of cores.ids) cores.tick(id, timing.heartbeatTicks)
      cores.run()
    }
    const { last } = cores.status('n1').log!
    for (const id of cores.ids)
      same(
        cores.applied(id),
        Array.from({ length: last }, (_, at) => at + 1),
      )
  },
  'commit index and last applied begin at 0, and what was committed is found out anew (figure 2, E13)'(stage) {
    const past = { log: [1, 1] }
    const cores = new Cores(stage, { n1: past, n2: past, n3: past, n4: past, n5: past })
    for (const id of cores.ids) same([cores.status(id).commit, cores.applied(id)], [0, []])
    cores.elect('n1')
    cores.request('n1')
    cores.run()
    same(cores.applied('n1').slice(0, 2), [1, 2])
  },
  'figure 7: every follower converges, in a round trip for each term and not for each entry (E7)'(stage) {
    for (const log of Object.values(figure7Followers)) {
      ok(refusalsUntilEqual(stage, figure7, log) <= new Set(log).size, log.join())
    }
    const tail = (term: number, length: number) => Array.from({ length }, () => term)
    for (const length of [50, 1_000]) ok(refusalsUntilEqual(stage, [1, ...tail(3, 50)], [1, ...tail(2, length)]) <= 2)
  },
  'a follower far behind is sent what it lacks in messages of bounded size, without a gap (B15)'(stage) {
    const past = { log: Array.from({ length: 30 }, () => 1) }
    const cores = led(stage, { n1: past, n3: past, n4: past }, { appendBytes: entryOf(1, 1).text.length * 4 })
    cores.request('n1')
    cores.run()
    same(cores.log('n2'), cores.log('n1'))
    const sizes = cores.heard.filter(({ to }) => to === 'n2').map((message) => entriesIn(message).length)
    ok(Math.max(...sizes) <= 4, sizes.join())
  },
  'each entry goes to each follower once, while nothing is lost (L2)'(stage) {
    const cores = led(stage)
    const before = cores.log('n1').length
    for (let write = 0; write < 10; write++) {
      cores.request('n1', { command: 'set', key: 'k', value: 'x'.repeat(5_000) })
      if (write % 3 === 0) cores.run()
    }
    cores.run()
    for (const to of followers) {
      const sent = cores.heard.filter((one) => one.to === to).flatMap(entriesIn)
      equal(sent.filter(({ index }) => index > before).length, 10)
    }
  },
  'while a message is under way, what is proposed gathers, and leaves as one'(stage) {
    const cores = led(stage)
    cores.request('n1')
    const [first] = cores.take({ to: 'n2' }) as [AnyMessage]
    cores.request('n1')
    cores.request('n1')
    same(appends(cores, 'n2'), [])
    cores.take()
    cores.receive(first)
    cores.deliver({ from: 'n2' })
    same(
      appends(cores, 'n2').map((message) => entriesIn(message).length),
      [2],
    )
  },
  'an answer that comes again sets no second message going'(stage) {
    const cores = led(stage)
    cores.request('n1')
    cores.deliver({ to: 'n2' })
    const [answer] = cores.take({ from: 'n2' }) as [AnyMessage]
    cores.take()
    cores.receive(answer)
    cores.request('n1')
    equal(appends(cores, 'n2').length, 1, 'under way')
    cores.take()
    cores.request('n1')
    cores.take()
    cores.receive(answer)
    same(appends(cores, 'n2'), [])
  },
  'an answer to an earlier message takes nothing back'(stage) {
    const cores = led(stage)
    const first = copied(cores, ['n2', 'n3'])
    const late = cores.heard.filter(({ from, type }) => from === 'n2' && type === 'AppendEntriesReply')
    copied(cores, ['n2', 'n3'])
    const { commit } = cores.status('n1')
    for (const answer of late) cores.receive(answer)
    cores.take()
    const request = copied(cores, ['n2', 'n3'])
    ok(cores.status('n1').commit! > commit!)
    same(cores.performed('n1').includes(first) && cores.performed('n1').includes(request), true)
    const [last] = cores.heard.filter(({ to }) => to === 'n2').slice(-1) as [AnyMessage]
    ok(entriesIn(last).length <= 1, 'and nothing is sent again')
  },
  'a client that waits too long is told "timeout", an unknown outcome: the entry may still be committed'(stage) {
    const cores = led(stage)
    const request = copied(cores, [])
    // Followers answer, and entries are lost: a leader that nobody answers may have left its office by then (§6.2).
    for (let waited = 0; waited < timing.requestTimeoutTicks; waited++) {
      cores.tick('n1')
      cores.air = cores.air.filter(({ entries }) => !entries?.length)
      for (const id of cores.ids.slice(1)) cores.deliver({ to: id })
      cores.deliver({ to: 'n1' })
    }
    const [reply] = cores.replies('n1')
    same(reply?.request, request)
    same(reply?.answer.ok === false && [reply.answer.error.code, reply.answer.error.definite], ['timeout', false])
    cores.take()
    cores.tick('n1', timing.heartbeatTicks)
    copied(cores, ['n2', 'n3'])
    equal(cores.status('n1').commit, cores.log('n1').length, 'and here it is')
    ok(!cores.performed('n1').includes(request), 'nobody waits for it any more')
  },
}

/** What holds only where one leader leads for ever, at the stages 4 and 5. */
export const fixedLeaderClaims: Claims = {
  'the leader must be in the majority itself: nobody else will ever lead'(stage) {
    const cores = led(stage)
    cores.slow('n1')
    const request = copied(cores, followers)
    same(cores.performed('n1'), [], 'four disks of five, and not the one that counts')
    cores.sync('n1')
    same(cores.performed('n1'), [request])
  },
  'each life of the leader is a term of its own, on its disk before any message bears it'(stage) {
    const cores = led(stage)
    const { term } = cores.status('n1')
    cores.slow('n1')
    cores.request('n1')
    cores.take()
    cores.crash('n1')
    same([cores.status('n1').role, cores.air], ['follower', []])
    cores.sync('n1')
    same([cores.status('n1').role, cores.status('n1').term], ['leader', term! + 1])
    cores.request('n1')
    ok(cores.air.every((message) => message.term === term! + 1))
  },
  'what followers hold and the leader lost is replaced, though it stood at the same index'(stage) {
    const cores = led(stage)
    cores.slow('n1')
    cores.request('n1', { command: 'set', key: 'a', value: 'lost' })
    cores.run(['n1', 'n2', 'n3'])
    cores.crash('n1')
    cores.sync('n1')
    cores.request('n1', { command: 'set', key: 'a', value: 'kept' })
    cores.run()
    cores.sync('n1')
    cores.run()
    for (const id of cores.ids) same(cores.onDisk(id).entries, cores.onDisk('n1').entries)
    equal(cores.onDisk('n2').entries.at(-1)?.text.includes('kept'), true)
  },
}
