/** Members of an etcd cluster and the status of its nodes, in the words of this project. */
import { type Answer, type Command, failure, type Status } from '../../../src/contracts.js'
import { type EtcdApi, EtcdError, type EtcdMember, type StatusReply } from './api.js'
import { answerToRead } from './errors.js'

/** Milliseconds that another node may take to tell how far it is. */
const otherMs = 1_000
/**
 * Milliseconds that a hand-over may take. The leader itself gives one up after an election time-out, which is one second,
 * but never says so to who asked for it.
 */
const handOverMs = 3_000
/** The number that etcd writes where no member leads. */
const nobody = '0'

/** The address behind a URL of etcd: `http://127.0.0.1:7001` is `127.0.0.1:7001`. */
const addressIn = (url: string | undefined) => url?.replace(/^\w+:\/\//, '')

/** The name of a member; until it has started, the number by which etcd names it, in hex as etcd prints it. */
const nameOf = ({ id, name }: EtcdMember) => name || BigInt(id).toString(16)

const byName = (one: string, other: string) => one.localeCompare(other, 'en', { numeric: true })

/** A cluster as one of its nodes sees it, without asking the others. */
interface View {
  readonly status: StatusReply
  readonly members: readonly EtcdMember[]
}

async function look(api: EtcdApi): Promise<View> {
  const [status, { members }] = await Promise.all([
    api.ask('Maintenance.Status', {}),
    api.ask('Cluster.MemberList', {}),
  ])
  return { status, members: members.toSorted((one, other) => byName(nameOf(one), nameOf(other))) }
}

function leaderIn({ status, members }: View): EtcdMember | null {
  return members.find(({ id }) => id === status.leader && id !== nobody) ?? null
}

/** The voters, and the learners if there are any, by their names. */
function partsOf(members: readonly EtcdMember[]) {
  const named = (isLearner: boolean) =>
    members
      .filter(({ is_learner }) => is_learner === isLearner)
      .map(nameOf)
      .toSorted(byName)
  const learners = named(true)
  return { voters: named(false), ...(learners.length > 0 && { learners }) }
}

/** Reads a node's status in the form that `info` has here. @throws EtcdError */
export async function statusOf(api: EtcdApi): Promise<Status> {
  const view = await look(api)
  const { status, members } = view
  const own = members.find(({ id }) => id === status.header.member_id)
  const id = own ? nameOf(own) : BigInt(status.header.member_id).toString(16)
  const isLeader = status.leader === status.header.member_id
  const leader = leaderIn(view)
  return {
    id,
    role: isLeader ? 'leader' : 'follower',
    term: Number(status.raft_term),
    leader: leader && nameOf(leader),
    commit: Number(status.raft_index),
    applied: Number(status.raft_applied_index),
    member: status.is_learner ? 'learner' : own ? 'voter' : 'removed',
    ...partsOf(members),
    peers: members.map(nameOf).filter((name) => name !== id),
    revision: Number(status.header.revision),
    databaseBytes: Number(status.db_size),
    etcd: status.version,
    client: addressIn(own?.client_urls[0]),
    peer: addressIn(own?.peer_urls[0]),
  }
}

async function info(api: EtcdApi): Promise<Answer> {
  return { ok: true, info: await statusOf(api) }
}

async function ping(api: EtcdApi): Promise<Answer> {
  await api.ask('Maintenance.Status', {})
  return { ok: true }
}

/** Lists the members as the asked node knows them. A member that has not started has no address for clients yet. */
async function members(api: EtcdApi): Promise<Answer> {
  const view = await look(api)
  const leader = leaderIn(view)
  const listed = view.members.map((one) => ({
    id: nameOf(one),
    client: addressIn(one.client_urls[0]),
    peer: addressIn(one.peer_urls[0]),
    role: one.is_learner ? 'learner' : 'voter',
  }))
  return { ok: true, members: listed, leader: leader && nameOf(leader) }
}

type Named = Command & { readonly node: string }

/**
 * Adds a member. etcd answers when the cluster counts it, which is before it has started: it gets its name, and the
 * address of its clients, from itself.
 */
async function addNode(api: EtcdApi, { node, peer, role }: Named): Promise<Answer> {
  const request = { peer_urls: [`http://${String(peer)}`], is_learner: role === 'learner' }
  const { members } = await api.ask('Cluster.MemberAdd', request)
  const named = members.map((one) =>
    one.name === '' && addressIn(one.peer_urls[0]) === peer ? { ...one, name: node } : one,
  )
  return { ok: true, ...partsOf(named) }
}

/** Does something to a member by its name, and answers with the members. */
function toMember(call: 'Cluster.MemberRemove' | 'Cluster.MemberPromote') {
  return async (api: EtcdApi, { node }: Named): Promise<Answer> => {
    const { members } = await api.ask('Cluster.MemberList', {})
    const found = members.find((one) => nameOf(one) === node)
    if (!found) {
      const all = members.map(nameOf).toSorted(byName)
      return failure('bad_request', `${node} is no member: the members are ${all.join(', ')}`, { members: all })
    }
    const changed = await api.ask(call, { id: found.id })
    return { ok: true, ...partsOf(changed.members) }
  }
}

/** The refusal of a node that does not lead, with who does; null if this node leads. */
function refusalIn(view: View): Answer | null {
  const leader = leaderIn(view)
  if (!leader) return failure('no_leader', 'no node leads at present')
  if (leader.id === view.status.header.member_id) return null
  const address = addressIn(leader.client_urls[0])
  return failure('not_leader', `${nameOf(leader)} leads: ask there`, { leader: nameOf(leader), address })
}

/** Asks a node whether it leads. @returns null if it does; otherwise the refusal that names the leader */
export async function refusalUnlessLeader(api: EtcdApi): Promise<Answer | null> {
  return refusalIn(await look(api))
}

/**
 * Hands over to a voter: to the named one, or to the one that has performed most. Only the leader can be asked to; any
 * other node says who leads.
 */
async function transferLeader(api: EtcdApi, { to }: Command): Promise<Answer> {
  const view = await look(api)
  const refusal = refusalIn(view)
  if (refusal) return refusal
  const leader = leaderIn(view)!
  if (to === nameOf(leader)) return { ok: true, leader: to }
  const { voters: names } = partsOf(view.members)
  if (to !== undefined && !names.includes(String(to))) {
    const all = names.join(', ')
    return failure('bad_request', `${String(to)} is no voter: the voters are ${all}`, { voters: names })
  }
  const voters = view.members.filter((one) => !one.is_learner && one !== leader)
  const heir = to === undefined ? await farthest(api, voters) : voters.find((one) => nameOf(one) === to)
  if (!heir) return failure('transfer_failed', 'no other voter answers')
  try {
    await api.ask('Maintenance.MoveLeader', { target_id: heir.id }, handOverMs)
  } catch (error) {
    // etcd waits for the heir as long as it is asked to, also when another has been elected meanwhile.
    const now = error instanceof EtcdError && error.isAnswer ? leaderIn(await look(api)) : null
    if (!now) throw error
    if (now.id !== heir.id) return failure('transfer_failed', `${nameOf(heir)} did not take over: ${nameOf(now)} leads`)
  }
  return { ok: true, leader: nameOf(heir) }
}

/** Finds the member that has performed most, of those that answer. */
async function farthest(asked: EtcdApi, members: readonly EtcdMember[]): Promise<EtcdMember | undefined> {
  const looks = members.map(async (member) => {
    let api: EtcdApi | undefined
    try {
      api = asked.beside(addressIn(member.client_urls[0]) ?? '')
      const { raft_applied_index } = await api.ask('Maintenance.Status', {}, otherMs)
      return [{ member, applied: Number(raft_applied_index) }]
    } catch {
      return []
    } finally {
      api?.close()
    }
  })
  const answered = (await Promise.all(looks)).flat()
  return answered.toSorted((one, other) => other.applied - one.applied)[0]?.member
}

/** A question that changes nothing: an error of etcd is a refusal. */
function asRead(ask: (api: EtcdApi) => Promise<Answer>) {
  return async (api: EtcdApi): Promise<Answer> => {
    try {
      return await ask(api)
    } catch (error) {
      if (error instanceof EtcdError && error.isAnswer) return answerToRead(error)
      throw error
    }
  }
}

/** The commands of nodes and of the cluster, each as etcd performs it. */
export const memberCommands = {
  info: asRead(info),
  ping: asRead(ping),
  members: asRead(members),
  add_node: addNode,
  remove_node: toMember('Cluster.MemberRemove'),
  promote: toMember('Cluster.MemberPromote'),
  transfer_leader: transferLeader,
}
