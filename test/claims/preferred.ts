import { equal, ok, deepStrictEqual as same } from 'node:assert/strict'
import type { NodeId } from '../../src/contracts.js'
import type { Stage } from '../../src/stage.js'
import { type Cores, timing } from '../helpers/cores.js'
import { pass, somebodyLeads } from '../helpers/members.js'
import type { Claims } from './claim.js'
import { handingTo } from './handover.js'
import { led } from './replication.js'

const { electionTicks } = timing

interface Places {
  readonly priorities?: Readonly<Record<NodeId, number>>
  /** Nodes whose disk is nearly full. */
  readonly full?: readonly NodeId[]
}

/** Five nodes that n1 leads, some of them preferred, some with disks that are nearly full. */
function preferring(stage: Stage, { priorities = {}, full = [] }: Places): Cores {
  const open = { isOpen: true, growthOf: () => 0, refusal: () => null, facts: {} }
  const create: Stage['create'] = (options) => {
    const { id } = options
    return stage.create({
      ...options,
      priority: priorities[id] ?? 0,
      admission: { ...open, isDiskLow: full.includes(id) },
    })
  }
  return led({ ...stage, create })
}

const leads = (cores: Cores) => somebodyLeads(cores, cores.ids)

/** A leader hands over to a node that is preferred to it, or that has room where it has none. */
export const preferredClaims: Claims = {
  'a preferred node offers to lead, and the leader hands over to it'(stage) {
    const cores = preferring(stage, { priorities: { n3: 1 } })
    pass(cores, 2 * electionTicks)
    equal(leads(cores), 'n3')
    pass(cores, 3 * electionTicks)
    equal(leads(cores), 'n3', 'nobody is preferred to it')
  },
  'an offer of a node that lacks committed entries is not taken: all writes would wait for it'(stage) {
    const cores = preferring(stage, { priorities: { n3: 1 } })
    cores.request('n1')
    cores.run(['n1', 'n2', 'n4', 'n5'])
    cores.receive({ type: 'OfferToLead', from: 'n3', to: 'n1', term: cores.status('n1').term, priority: 1 })
    const request = cores.request('n1')
    cores.run(['n1', 'n2', 'n4', 'n5'])
    ok(cores.performed('n1').includes(request))
  },
  'two hand-overs to preferred nodes are ten election time-outs apart: one that comes and goes takes nobody along'(
    stage,
  ) {
    const cores = preferring(stage, { priorities: { n3: 1 } })
    pass(cores, 2 * electionTicks)
    cores.request('n3', handingTo('n1'))
    pass(cores, 1)
    equal(leads(cores), 'n1')
    pass(cores, 3 * electionTicks)
    equal(leads(cores), 'n1')
    pass(cores, 10 * electionTicks)
    equal(leads(cores), 'n3')
  },
  'a leader whose disk is nearly full asks the voters, and hands over to one that has room'(stage) {
    const cores = preferring(stage, { full: ['n1', 'n2', 'n3', 'n5'] })
    pass(cores, 3 * electionTicks)
    equal(leads(cores), 'n4')
  },
  'where all disks are nearly full the leader stays'(stage) {
    const cores = preferring(stage, { full: ['n1', 'n2', 'n3', 'n4', 'n5'] })
    const { term } = cores.status('n1')
    pass(cores, 12 * electionTicks)
    same([leads(cores), cores.status('n1').term], ['n1', term])
  },
  'a preferred node whose disk is nearly full makes no offer'(stage) {
    const cores = preferring(stage, { priorities: { n3: 1 }, full: ['n3'] })
    pass(cores, 3 * electionTicks)
    equal(leads(cores), 'n1')
  },
}
