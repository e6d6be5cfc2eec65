import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import { type Admission, type Command, failure } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import type { Cores } from '../helpers/cores.js'
import type { Claims } from './claim.js'
import { campaign } from './elections.js'
import { led } from './replication.js'

const set = { command: 'set', key: 'k', value: 'v' }
const remove = { command: 'delete', key: 'k' }

/** Bytes by which each write may let the state grow, and the bytes that there is room for. */
const [growth, room] = [10, 25]

/** A stage whose nodes have room for two writes at a time: each overwrites the one before when it is performed. */
function roomy(stage: Stage, { isOpen = false } = {}): Stage {
  const admission: Admission = {
    isOpen,
    isDiskLow: false,
    growthOf: (command) => ((command as Command).command === 'delete' ? 0 : growth),
    refusal: (own, underWay) => (own > 0 && own + underWay > room ? failure('store_full', `${underWay}`) : null),
    facts: { storeBytes: 7 },
  }
  return { ...stage, create: (options) => stage.create({ ...options, admission }) }
}

function answerOf(cores: Cores, id: string, request: number) {
  return cores.answer(id, request) ?? cores.acts(id).answers.get(request) ?? null
}

function codeOf(cores: Cores, id: string, request: number) {
  const answer = answerOf(cores, id, request)
  return answer && (answer.ok ? 'ok' : answer.error.code)
}

/** A leader proposes a command only if there is room for it, whatever becomes of all that is under way. */
export const admissionClaims: Claims = {
  'writes under way count: what may be performed together has room together'(stage) {
    const cores = led(roomy(stage))
    const requests = [1, 2, 3].map(() => cores.request('n1', set))
    const last = cores.status('n1').log!.last
    cores.run()
    same(
      requests.map((one) => codeOf(cores, 'n1', one)),
      ['ok', 'ok', 'store_full'],
    )
    equal(cores.status('n1').log!.last, last, 'nothing of the third is in the log')
    const later = cores.request('n1', set)
    cores.run()
    equal(codeOf(cores, 'n1', later), 'ok', 'what is performed is under way no more')
  },
  'a new leader counts what others have left in its log'(stage) {
    const cores = led(roomy(stage))
    cores.request('n1', set)
    cores.deliver({ to: 'n2' })
    cores.take()
    ok(campaign(cores, 'n2', ['n3', 'n4', 'n5']))
    const requests = [1, 2].map(() => cores.request('n2', set))
    cores.run()
    same(
      requests.map((one) => codeOf(cores, 'n2', one)),
      ['ok', 'store_full'],
    )
    const later = cores.request('n2', set)
    cores.run()
    equal(codeOf(cores, 'n2', later), 'ok')
  },
  'what frees room is proposed in any case'(stage) {
    const cores = led(roomy(stage))
    for (const _ of [1, 2]) cores.request('n1', set)
    const requests = [remove, set, remove].map((command) => cores.request('n1', command))
    cores.run()
    same(
      requests.map((one) => codeOf(cores, 'n1', one)),
      ['ok', 'store_full', 'ok'],
    )
  },
  'a session is an entry: where there is no room at all, none is opened'(stage) {
    const full: Admission = {
      ...{ isOpen: false, isDiskLow: true, growthOf: () => 0, facts: {} },
      refusal: () => failure('disk_full', 'no room'),
    }
    const cores = led({ ...stage, create: (options) => stage.create({ ...options, admission: full }) })
    const request = cores.request('n1', { command: 'open_session' })
    cores.run()
    equal(codeOf(cores, 'n1', request), 'disk_full')
  },
  'a command that another node passes on needs room as well, and its client hears why there is none'(stage) {
    const cores = led(roomy(stage))
    const own = [1, 2].map(() => cores.request('n1', set))
    const passed = cores.request('n2', set, { forward: true })
    for (const message of cores.take({ type: 'Forward' })) cores.receive(message)
    cores.run()
    same([...own.map((one) => codeOf(cores, 'n1', one)), codeOf(cores, 'n2', passed)], ['ok', 'ok', 'store_full'])
  },
  'where every command is admitted nothing is refused; and `info` tells what there is'(stage) {
    const cores = led(roomy(stage, { isOpen: true }))
    const requests = [1, 2, 3, 4].map(() => cores.request('n1', set))
    cores.run()
    for (const one of requests) equal(codeOf(cores, 'n1', one), 'ok')
    equal(cores.status('n1').storeBytes, 7)
  },
}
