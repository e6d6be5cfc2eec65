import { failure, type Outcome, outcomeOf } from '../../src/contracts.js'
import type { Driver, Kept, Look, Members, Place } from '../../src/proof/scenario/scenario.js'
import { formatFault } from '../../src/server/faults.js'

export const done = (fields: object = {}): Outcome => outcomeOf({ ok: true, ...fields })
export const refused = outcomeOf(failure('not_leader', 'elsewhere', { leader: 'n2' }))
export const unknown = outcomeOf(failure('timeout', 'nothing came'))

/** A driver without a cluster: it gives the answers that it was given, and notes what it was told to do. */
export class Puppet implements Driver {
  readonly name = 'virtual'
  readonly place = 'on strings'
  readonly mostRounds = Number.POSITIVE_INFINITY
  readonly nodes = ['n1', 'n2', 'n3']
  readonly told: string[] = []
  restless = false
  looks: Look[] = []
  /** What is seen of the nodes' logs, one time after another; the last is seen for ever. */
  logs: Kept[][] = [[]]
  /** What is seen of the nodes' places, one time after another; the last is seen for ever. */
  seen: Place[][] = [[]]
  /** Who is seen to belong to the cluster, likewise. */
  memberships: (Members | null)[] = [null]
  accidents: string[] = []
  readonly #outcomes: Outcome[]
  #moment = 0

  constructor(outcomes: readonly Outcome[] = []) {
    this.#outcomes = [...outcomes]
  }

  perform: Driver['perform'] = async (fault) => void this.told.push(formatFault(fault))
  delay: Driver['delay'] = async (delay) => void this.told.push(`delay ${JSON.stringify(delay)}`)
  wait: Driver['wait'] = async (ms) => void this.told.push(`wait ${ms}`)
  hangUp: Driver['hangUp'] = (client) => void this.told.push(`${client} hangs up`)
  until: Driver['until'] = async () => {}
  address: Driver['address'] = (id) => ({ id, client: `${id}:1`, peer: `${id}:2` })
  members: Driver['members'] = async () =>
    this.memberships.length > 1 ? this.memberships.shift()! : this.memberships[0]!
  settle: Driver['settle'] = async () => !this.restless
  look: Driver['look'] = async () => this.looks
  places: Driver['places'] = async () => (this.seen.length > 1 ? this.seen.shift()! : this.seen[0]!)
  kept: Driver['kept'] = async () => (this.logs.length > 1 ? this.logs.shift()! : this.logs[0]!)
  after: Driver['after'] = (_ms, task) => task()
  now: Driver['now'] = () => this.#moment++

  call: Driver['call'] = (client, command, at, settle) => {
    this.told.push(`${client} ${JSON.stringify(command)} ${at}`)
    settle(this.#outcomes.shift() ?? done())
  }
}
