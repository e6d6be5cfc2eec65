/** A node that does not run: its log is opened, and its state made from the log, as the node itself would make it. */

import { coreFor } from '../check-recovered.js'
import { systemClock, systemRandom } from '../clock.js'
import {
  type Apply,
  type Core,
  defaultTiming,
  type Entry,
  type EntryId,
  type Event,
  type Index,
  type LogStore,
  payloadOf,
  type Recovered,
  type StateMachine,
} from '../contracts.js'
import { ConfigError } from '../errors.js'
import { newCommands } from '../new-commands.js'
import { sectionsOf } from '../snapshot-sections.js'
import type { Stage } from '../stage.js'
import { identityOf } from '../storage/cluster-below.js'
import type { Identity } from '../storage/identity.js'
import { openLogStore } from '../storage/open-log-store.js'

/** A log that was opened, with the contents that were found in it. */
export interface StoppedNode {
  readonly identity: Identity
  readonly log: LogStore
  readonly recovered: Recovered
}

/** The last entry of a stopped node's log. */
export function lastOf({ recovered: { entries, edge } }: StoppedNode): EntryId {
  const { index, term } = entries.at(-1) ?? edge
  return { index, term }
}

/** Reads whose folder this is. @throws ConfigError if it is no node's; DamagedLogError if that cannot be read */
export async function ownerOf(folder: string): Promise<Identity> {
  const identity = await identityOf(folder).catch((error: Error & { cause?: NodeJS.ErrnoException }) => {
    if (error.cause?.code !== 'ENOENT') throw error
    return null
  })
  if (identity) return identity
  throw new ConfigError(`${folder} holds no log of a node: name the node's own folder, such as data/n1`)
}

/**
 * Opens the log of a node that does not run, lets somebody use it, and closes it.
 *
 * @param notice hears what a start of the node would report: `log_cut`, `snapshot_damaged`
 * @throws ConfigError if the node runs, or the folder is no node's; DamagedLogError; DiskError
 */
export async function withStoppedNode<Result>(
  folder: string,
  notice: (event: Event) => void,
  use: (node: StoppedNode) => Promise<Result>,
): Promise<Result> {
  const identity = await ownerOf(folder)
  const log = openLogStore(identity.log, folder, identity, notice)
  const recovered = await log.open()
  try {
    return await use({ identity, log, recovered })
  } finally {
    await log.close()
  }
}

/** Entries that are performed in one critical section of the state machine. */
const batchEntries = 1_024

/**
 * Makes the state of a stopped node up to an entry: from its newest snapshot, and the entries behind it, by the rules of
 * the stage, so that a copy of a call is not performed twice.
 *
 * @throws ConfigError if the stage or its application cannot read the log
 */
export async function stateOf(
  stage: Stage,
  { identity: { node: id }, log, recovered }: StoppedNode,
  upTo: Index,
): Promise<StateMachine> {
  const nowhere = { id, client: '127.0.0.1:1', peer: '127.0.0.1:2' }
  const core = coreFor(stage, {
    ...{ id, members: [nowhere], random: systemRandom, timing: defaultTiming, recovered },
    ...{ bootstrap: false, features: stage.features, machineClock: systemClock, about: {} },
  })
  const machine = stage.application.machine(systemClock)
  const [snapshot] = recovered.snapshots
  if (snapshot) {
    const body = log.snapshots.load(snapshot)
    const { kept, application } = await sectionsOf(body, stage.application.name, snapshot.format)
    await machine.restore(application)
    core.restored(kept)
    core.applied(snapshot.index)
  }
  const first = snapshot?.index ?? recovered.edge.index
  const entries = recovered.entries.filter(({ index }) => index > first && index <= upTo)
  for (let at = 0; at < entries.length; at += batchEntries)
    await performAll(stage, core, machine, entries.slice(at, at + batchEntries))
  return machine
}

async function performAll(stage: Stage, core: Core, machine: StateMachine, entries: readonly Entry[]): Promise<void> {
  const batch = entries.map((entry): Apply => {
    const { index, term } = entry
    return { index, term, payload: payloadOf(entry), request: null }
  })
  const performances = batch.map((entry) => core.perform(entry))
  const { commands, places } = newCommands(stage.application, batch, performances)
  const answers = commands.length > 0 ? await machine.apply(commands, places) : []
  let answered = 0
  for (const { isNew, result } of performances) if (isNew) result.answer = answers[answered++]!
  core.applied(batch.at(-1)!.index)
}
