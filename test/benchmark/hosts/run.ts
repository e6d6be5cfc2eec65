import { setTimeout as delay } from 'node:timers/promises'
import type { NodeId, Status } from '../../../src/contracts.js'
import { performHostFault } from '../../../src/server/hosts/host-words.js'
import type { Hosts } from '../../../src/server/hosts/hosts.js'
import { BenchmarkError } from '../children.js'
import type { Measurement } from '../generator.js'
import { generate } from '../measure.js'
import { defaultLoad } from '../profiles.js'
import type { Case } from './cases.js'
import type { Subject } from './subject.js'

/** What one cluster did in one case under one load. */
export interface Outcome {
  readonly measurement: Measurement
  /** Terms that went by: elections that were begun. */
  readonly elections: number
  /** Megabytes of the leader's process when the load ends. */
  readonly leaderMegabytes: number
  /** Entries that the last follower lacks when the load ends. */
  readonly behind: number
  /** Seconds until it has them, behind the same line; null if it takes longer than {@link patienceMs}. */
  readonly caughtUpSeconds: number | null
}

export interface Effort {
  readonly clients: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

/** Milliseconds that a follower may take to catch up behind its line, and nodes to come to rest without any fault. */
const [patienceMs, restMs] = [20_000, 60_000]
const pollMs = 100
/** Few keys, since each is written once before anything counts, and a write may take a long way. */
const keys = 1_000

/** Breaks lines, loads the leader, and looks after the last follower. The lines are whole again afterwards. */
export async function runCase(hosts: Hosts, subject: Subject, one: Case, effort: Effort): Promise<Outcome> {
  const leader = await subject.atRest(restMs)
  const followers = (await subject.statuses()).map(({ id }) => id).filter((id) => id !== leader.id)
  try {
    for (const line of one.faults(leader.id, followers)) {
      const said = await performHostFault(hosts, line)
      if ('problem' in said) throw new BenchmarkError(said.problem)
    }
    const measurement = await generate({
      ...{ ...defaultLoad, ...effort, keys, connections: effort.clients },
      ...{ addresses: [subject.addressOf(leader.id)], protocol: subject.protocol, pids: subject.pids },
      isFilled: true,
    })
    const leaderMegabytes = subject.memoryOf(leader.id)
    const { behind, caughtUpSeconds } = await catchUp(subject, followers.at(-1)!)
    const elections = (await subject.statuses()).reduce((term, status) => Math.max(term, status.term ?? 0), 0)
    return { measurement, elections: elections - leader.term!, leaderMegabytes, behind, caughtUpSeconds }
  } finally {
    await hosts.heal()
  }
}

async function catchUp(subject: Subject, node: NodeId): Promise<Pick<Outcome, 'behind' | 'caughtUpSeconds'>> {
  const begun = performance.now()
  const goal = await appliedAt(subject, ({ role }) => role === 'leader')
  const isIt = ({ id }: Status) => id === node
  const behind = goal - (await appliedAt(subject, isIt))
  while (performance.now() - begun < patienceMs) {
    if ((await appliedAt(subject, isIt)) >= goal) return { behind, caughtUpSeconds: (performance.now() - begun) / 1000 }
    await delay(pollMs)
  }
  return { behind, caughtUpSeconds: null }
}

/** Asks until the node that is meant answers. */
async function appliedAt(subject: Subject, isMeant: (status: Status) => boolean): Promise<number> {
  for (;;) {
    const status = (await subject.statuses()).find(isMeant)
    if (status) return status.applied!
    await delay(pollMs)
  }
}

/** Writers at work while the hosts move. */
const writers = 4
/** Milliseconds for which a writer waits for an answer before it asks again, at another node. */
const deadlineMs = 2_000
/** Writes that must have been acknowledged before the next host moves, and before the last pause is counted. */
const between = 500

/** Moves each host in turn, followers first. @returns the longest pause between two acknowledged writes after each, in ms */
export async function runRolling(hosts: Hosts, subject: Subject): Promise<readonly (readonly [NodeId, number])[]> {
  const leader = await subject.atRest(restMs)
  const followers = (await subject.statuses()).map(({ id }) => id).filter((id) => id !== leader.id)
  let [acknowledged, lastAt, longestMs, isOver] = [0, performance.now(), 0, false]
  const write = async (name: string) => {
    while (!isOver) {
      const { outcome } = await subject.client.call({ command: 'set', key: name, value: 'v' }, { deadlineMs })
      if (outcome !== 'done') continue
      const now = performance.now()
      longestMs = Math.max(longestMs, now - lastAt)
      lastAt = now
      acknowledged++
    }
  }
  const more = async () => {
    for (const goal = acknowledged + between; acknowledged < goal; ) await delay(pollMs)
  }
  const writing = Array.from({ length: writers }, (_, at) => write(`w${at}`))
  const pauses: [NodeId, number][] = []
  await more()
  for (const id of [...followers, leader.id]) {
    longestMs = 0
    await hosts.move(id)
    await more()
    pauses.push([id === leader.id ? `${id}, the leader` : id, longestMs])
  }
  isOver = true
  await Promise.all(writing)
  return pauses
}
