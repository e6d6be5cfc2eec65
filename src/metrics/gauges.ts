import type { Status } from '../contracts.js'

/** A figure that is read off a node's status; undefined where the stage has none, or none yet. */
interface StatusGauge {
  readonly name: string
  readonly help: string
  readonly read: (status: Status) => number | undefined
}

/** Computes a difference; undefined if a part of it is. */
function less(all: number | undefined, part: number | undefined): number | undefined {
  return all === undefined || part === undefined ? undefined : Math.max(0, all - part)
}

/** The figures of a node's status, without the prefix of their names. */
export const statusGauges: readonly StatusGauge[] = [
  { name: 'term', help: 'The current term.', read: ({ term }) => term },
  { name: 'has_leader', help: '1 if this node knows a leader.', read: ({ leader }) => (leader === null ? 0 : 1) },
  { name: 'commit_index', help: 'The last entry known to be committed.', read: ({ commit }) => commit },
  { name: 'applied_index', help: 'The last entry that was performed.', read: ({ applied }) => applied },
  { name: 'log_first_index', help: 'The first entry of the log in memory.', read: ({ log }) => log?.first },
  { name: 'log_last_index', help: 'The last entry of the log.', read: ({ log }) => log?.last },
  {
    name: 'commit_lag_entries',
    help: 'Entries of the log that are not known to be committed.',
    read: ({ log, commit }) => less(log?.last, commit),
  },
  {
    name: 'apply_lag_entries',
    help: 'Entries known to be committed and not performed yet: the queue before the state machine.',
    read: ({ commit, applied }) => less(commit, applied),
  },
  { name: 'snapshot_index', help: 'The last entry in the newest snapshot.', read: ({ snapshot }) => snapshot?.index },
  { name: 'snapshot_bytes', help: 'Bytes of the newest snapshot.', read: ({ snapshot }) => snapshot?.bytes },
  {
    name: 'store_bytes',
    help: 'Bytes of the keys and values that the store holds.',
    read: ({ storeBytes }) => storeBytes,
  },
  {
    name: 'store_limit_bytes',
    help: 'Bytes that the store may hold, if there is a limit.',
    read: ({ maxStoreBytes }) => maxStoreBytes,
  },
  { name: 'disk_free_bytes', help: "Free bytes of the node's disk.", read: ({ diskFreeBytes }) => diskFreeBytes },
  {
    name: 'disk_low',
    help: '1 while the disk is nearly full, so that a leader takes no writes.',
    read: ({ diskFreeBytes, diskLow }) => (diskFreeBytes === undefined ? undefined : Number(diskLow ?? false)),
  },
  { name: 'sessions', help: 'Sessions of clients that are open.', read: ({ sessions }) => sessions },
  { name: 'voters', help: 'Voters in the latest configuration.', read: ({ voters }) => voters?.length },
  {
    name: 'learners',
    help: 'Learners in the latest configuration.',
    read: ({ voters, learners }) => voters && (learners?.length ?? 0),
  },
]
