import { equal, ok, deepStrictEqual as same, throws } from 'node:assert/strict'
import { type NodeId, payloadOf } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { comparing } from '../../stages/10-production/features.js'
import { type Cores, timing } from '../helpers/cores.js'
import { adding, change, greetAll, install, pass, passUntil, together } from '../helpers/members.js'
import type { Claims } from './claim.js'

const { electionTicks, heartbeatTicks } = timing
const three = ['n1', 'n2', 'n3']
const both = ['x', 'y']

/** Three nodes that n1 leads, connected with each other, of which some know features. */
function releases(stage: Stage, features: Readonly<Record<NodeId, readonly string[]>>, limits = {}): Cores {
  const cores = together(stage, three, limits, features)
  greetAll(cores)
  return cores
}

const all = (features: readonly string[]) => Object.fromEntries([...three, 'n4'].map((id) => [id, features]))

/** The features that each entry in a node's log switches on. */
function entries(cores: Cores, id: NodeId): unknown[] {
  const held = cores.onDisk(id).entries.map(payloadOf)
  return held.flatMap((payload) => (payload.kind === 'features' ? [payload.features] : []))
}

const on = (cores: Cores, id: NodeId) => cores.status(id).features ?? []

/** Features are switched on by an entry of the log, once all members can read what comes behind it. */
export const featureClaims: Claims = {
  'features are switched on by one entry, as soon as every member has said that it knows them'(stage) {
    const cores = releases(stage, { n1: both, n2: both })
    pass(cores, 5 * electionTicks)
    same([entries(cores, 'n1'), on(cores, 'n1')], [[], []], 'n3 is of the release before')
    install(cores, 'n3', ['x'])
    greetAll(cores)
    pass(cores, 2 * electionTicks)
    for (const id of three) same([entries(cores, id), on(cores, id)], [[['x']], ['x']])
    install(cores, 'n3', both)
    greetAll(cores)
    pass(cores, 5 * electionTicks)
    for (const id of three) same([entries(cores, id), on(cores, id)], [[['x'], ['y']], both])
    const told = cores.events('n2').filter(({ event }) => event === 'features_on')
    same(
      told.map(({ features }) => features),
      [['x'], ['y']],
    )
  },
  'a member that is away is waited for: it may come back with the release before'(stage) {
    const cores = releases(stage, all(both))
    const some = ['n1', 'n2']
    cores.greet('n3', 'n1', null)
    pass(cores, 5 * electionTicks)
    same(entries(cores, 'n1'), [], 'its connection has ended')
    pass(cores, 2 * electionTicks, some)
    cores.greet('n3', 'n1')
    pass(cores, 5 * electionTicks, some)
    same(entries(cores, 'n1'), [], 'it has said hello, and answers nothing')
    pass(cores, 2 * electionTicks)
    same(entries(cores, 'n1'), [both])
  },
  'a learner must know them, too: it is sent all entries'(stage) {
    const cores = releases(stage, { n1: both, n2: both, n3: both, n4: [] })
    equal(change(cores, 'n1', { ...adding('n4'), role: 'learner' }), 'ok')
    pass(cores, 5 * electionTicks)
    same(entries(cores, 'n1'), [])
    install(cores, 'n4', both)
    pass(cores, 5 * electionTicks)
    same(entries(cores, 'n1'), [both])
  },
  'features are on where their entry is committed: one that was only proposed may be taken back'(stage) {
    const cores = releases(stage, all(both))
    const isProposed = () => cores.onDisk('n1').entries.some((entry) => payloadOf(entry).kind === 'features')
    passUntil(cores, isProposed)
    same(on(cores, 'n1'), [])
    for (const from of ['n1', 'n3']) cores.greet(from, 'n2', null)
    cores.elect('n2', ['n2', 'n3'])
    pass(cores, 3 * heartbeatTicks)
    equal(cores.status('n1').leader, 'n2')
    same([entries(cores, 'n1'), on(cores, 'n1')], [[], []], 'nobody else has heard of it')
  },
  'a newcomer that lacks a feature is refused, and nothing is changed'(stage) {
    const cores = releases(stage, all(both))
    pass(cores, 2 * electionTicks)
    same(on(cores, 'n1'), both)
    install(cores, 'n4', ['x'])
    const request = cores.request('n1', adding('n4'))
    for (let tick = 0; tick < 5 * electionTicks && !cores.answer('n1', request); tick++) pass(cores, 1)
    const answer = cores.answer('n1', request)
    ok(answer && !answer.ok)
    same([answer.error.code, answer.error.features], ['feature_missing', ['y']])
    equal(answer.error.message.includes('n4 does not know y'), true)
    same(cores.status('n1').voters, three)
    ok(cores.events('n1').some(({ event, member }) => event === 'features_missing' && member === 'n4'))
    install(cores, 'n4', both)
    equal(change(cores, 'n1', adding('n4')), 'ok')
  },
  'a newcomer whose hello has not come is asked again, and not taken for an older one'(stage) {
    const cores = releases(stage, all(both))
    pass(cores, 2 * electionTicks)
    cores.greet('n4', 'n1', null)
    const request = cores.request('n1', adding('n4'))
    pass(cores, electionTicks)
    equal(cores.answer('n1', request), null)
    cores.greet('n4', 'n1')
    pass(cores, 5 * electionTicks)
    equal(cores.answer('n1', request)?.ok, true)
  },
  'features stay on behind a snapshot, at a restart, and at a node that was sent the snapshot'(stage) {
    const cores = releases(stage, all(both))
    pass(cores, 2 * electionTicks)
    for (let write = 0; write < 4; write++) cores.request('n1')
    pass(cores, heartbeatTicks)
    cores.request('n1', { command: 'snapshot_now' })
    cores.save('n1')
    same(Object.keys(cores.snapshot('n1')?.features as object), both)
    cores.crash('n1')
    same(on(cores, 'n1'), both)
    cores.elect('n1', three)
    greetAll(cores)
    equal(change(cores, 'n1', adding('n4')), 'ok')
    same(on(cores, 'n4'), both)
    same(entries(cores, 'n1').length, 1, 'and they are not switched on again')
  },
  'a node does not start from a log with a feature that it does not know, and says what to do'(stage) {
    const cores = releases(stage, all(both))
    pass(cores, 2 * electionTicks)
    throws(() => install(cores, 'n2', ['x']), /the log of n2 uses y, which this release does not know: run the release/)
  },
  'a node that lacks a feature stops where it is switched on: it could not read what comes behind'(stage) {
    const cores = together(stage, three, {}, all(both))
    for (const id of ['n2', 'n3']) cores.greet(id, 'n1', both)
    install(cores, 'n3', ['x'])
    cores.greet('n3', 'n1', both)
    throws(() => pass(cores, 5 * electionTicks), /the log of n3 uses y/)
  },
  'replicas compare their results from the entry on that switches the comparison on, and not before'(stage) {
    const cores = releases(stage, all([comparing]))
    const upTo = 2_200
    while (cores.status('n1').log!.last < 20) cores.request('n1')
    pass(cores, 2 * electionTicks)
    same(on(cores, 'n1'), [comparing])
    while (cores.status('n1').log!.last < upTo) {
      cores.request('n1')
      if (cores.status('n1').log!.last % 100 === 0) cores.run()
    }
    pass(cores, heartbeatTicks)
    const sums = cores.heard.filter(({ type, from }) => type === 'ResultSum' && from === 'n2')
    same(
      sums.map(({ index }) => index),
      [2_048],
      'the window in which it was switched on has no sum',
    )
  },
}
