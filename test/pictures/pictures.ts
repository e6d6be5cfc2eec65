/** The pictures of the lessons that the rules draw, by their marks: a column a node, an event a line. */
import type { Stage } from '../../src/stage.js'
import { memberList } from '../helpers/core.js'
import { Cores, timing } from '../helpers/cores.js'
import { alike, apart, becoming, membersAre, pass, seven, together } from '../helpers/members.js'
import { Telling } from './telling.js'

const three = ['n1', 'n2', 'n3']

/** A write reaches one follower and no majority: it is performed there all the same. */
function ghost(stage: Stage): readonly string[] {
  const cores = new Cores(stage)
  const telling = new Telling(cores)
  const asked = telling.asks('c1', 'n1', 'set a 1', { command: 'set', key: 'a', value: '1' })
  telling.arrive({ to: 'n2' })
  for (const to of ['n3', 'n4', 'n5']) telling.lose({ from: 'n1', to })
  telling.run()
  cores.tick('n1', timing.requestTimeoutTicks)
  telling.hears('c1', cores.answer('n1', asked))
  return telling.end()
}

/** A leader finds where a follower's log parts from its own: their terms are those of the lesson's picture. */
function walkBack(stage: Stage): readonly string[] {
  const past = { log: [1, 1, 2, 2, 4], term: 4 }
  const cores = new Cores(stage, { n1: past, n2: { log: [1, 1, 3, 3, 3], term: 4 }, n3: past, n4: past, n5: past })
  cores.elect('n1')
  cores.run()
  cores.request('n1')
  const telling = new Telling(cores, ['n1', 'n2'])
  telling.run()
  return telling.end()
}

/** The leader is cut off; the others elect another one, and the old one learns it when the cut is healed. */
function twoLeaders(stage: Stage): readonly string[] {
  const cores = new Cores(stage, {}, {}, { nodes: memberList(3), members: memberList(3), founders: [] })
  cores.elect('n1')
  cores.run()
  const telling = new Telling(cores)
  telling.asks('c1', 'n1', 'set a 1', { command: 'set', key: 'a', value: '1' })
  telling.lose()
  cores.stand('n3')
  telling.look()
  cores.take({ to: 'n1' })
  telling.run(['n2', 'n3'])
  cores.tick('n1', timing.heartbeatTicks)
  telling.arrive({ from: 'n1', to: 'n3' })
  telling.arrive({ from: 'n3', to: 'n1' })
  return telling.end()
}

/** Figure 8 of the paper, (c) and (e): entries go one by one, so that the old one can be seen on three disks alone. */
function figure8(stage: Stage): readonly string[] {
  const old = { log: [1, 2], term: 3 }
  const pasts = { n1: old, n2: old, n3: { log: [1], term: 3 }, n4: { log: [1], term: 3 } }
  const cores = new Cores(stage, { ...pasts, n5: { log: [1, 3], term: 3 } }, { appendBytes: 1 })
  const telling = new Telling(cores, three)
  cores.stand('n1')
  telling.look()
  cores.take({ to: 'n4' })
  cores.take({ to: 'n5' })
  telling.run(three)
  return telling.end()
}

/** The follower needs what the leader has let go. */
function install(stage: Stage): readonly string[] {
  const snapshots = [{ index: 4, term: 1 }]
  const past = { log: [1, 1], snapshots }
  const cores = new Cores(stage, { n1: past, n2: past, n3: { log: [1] }, n4: past, n5: past })
  cores.elect('n1', ['n1', 'n2', 'n4', 'n5'])
  const telling = new Telling(cores, ['n1', 'n3'])
  cores.tick('n1', timing.heartbeatTicks)
  telling.run()
  return telling.end()
}

/** From n1 n2 to n1 n3; the newcomer has the log already, and learns nothing more. */
function joint(stage: Stage): readonly string[] {
  const past = { log: [1], commands: { 1: membersAre(['n1', 'n2'], { learners: ['n3'] }) } }
  const cores = apart(stage, alike(three, past))
  cores.elect('n1', three)
  pass(cores, timing.heartbeatTicks)
  const telling = new Telling(cores, three)
  const asked = telling.asks('c1', 'n1', 'voters n1 n3', becoming('n1', 'n3'))
  for (let tick = 0; tick < 3 * timing.electionTicks && !cores.answer('n1', asked); tick++) {
    telling.run(three)
    for (const id of three) cores.tick(id)
    telling.look()
  }
  telling.hears('c1', cores.answer('n1', asked))
  telling.run(three)
  return telling.end()
}

/** A follower asks its leader how far all is committed, and the leader asks whether it leads still. */
function readIndex(stage: Stage): readonly string[] {
  const cores = new Cores(stage)
  cores.elect('n1')
  cores.run()
  const telling = new Telling(cores, three)
  telling.asks('c1', 'n2', 'get a', { command: 'get', key: 'a' })
  telling.run(three)
  return telling.end()
}

/** A call is asked twice, of two leaders, and both copies stand in the log. */
function copies(stage: Stage): readonly string[] {
  const world = { nodes: seven.slice(0, 3), members: seven.slice(0, 3), founders: [] }
  const cores = new Cores(stage, {}, {}, world)
  cores.elect('n1')
  cores.run()
  const opened = cores.request('n1', { command: 'open_session' })
  pass(cores, timing.heartbeatTicks)
  const { session } = cores.acts('n1').answers.get(opened) as { session?: number }
  const [append, call] = [
    { command: 'append', key: 'a', value: 'y' },
    { session, sequence: 1, firstOutstanding: 1 },
  ]
  const telling = new Telling(cores, three)
  telling.asks('c1', 'n1', `append a y (session ${session}, call 1)`, append, call)
  telling.arrive({ type: 'AppendEntries', to: 'n2' })
  telling.lose({ to: 'n3' })
  telling.lose({ to: 'n1' })
  cores.bearSilence(['n3'])
  cores.stand('n2')
  telling.look()
  telling.run(['n2', 'n3'])
  const copy = telling.asks('c1', 'n2', `append a y (session ${session}, call 1)`, append, call)
  telling.run(['n2', 'n3'])
  telling.hears('c1', cores.acts('n2').answers.get(copy))
  return telling.end()
}

/** A node that heard no leader for a while comes back. */
function preVote(stage: Stage): readonly string[] {
  const cores = together(stage, three)
  cores.take()
  const telling = new Telling(cores, three)
  const ask = () => {
    for (let tick = 0; tick < 2 * timing.electionTicks && cores.air.length === 0; tick++) cores.tick('n3')
    telling.look()
  }
  ask()
  telling.lose()
  ask()
  telling.run(three)
  return telling.end()
}

/** The leader hands over. */
function transfer(stage: Stage): readonly string[] {
  const cores = together(stage, three)
  cores.take()
  const telling = new Telling(cores, three)
  const asked = telling.asks('c1', 'n1', 'transfer_leader n3', { command: 'transfer_leader', to: 'n3' })
  cores.tick('n1')
  telling.run(three)
  telling.hears('c1', cores.answer('n1', asked))
  return telling.end()
}

type Draw = (stage: Stage) => readonly string[]

/** The pictures of each lesson, by the number of its stage. */
export const pictures: Readonly<Record<number, Readonly<Record<string, Draw>>>> = {
  2: { ghost },
  4: { 'walk-back': walkBack },
  6: { 'two-leaders': twoLeaders, 'figure-8': figure8 },
  7: { install },
  8: { joint },
  9: { copies, 'read-index': readIndex },
  10: { 'pre-vote': preVote, transfer },
}
