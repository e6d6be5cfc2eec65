/** The names of a run's counters, in the order of printing: an event that never happened was not tested. */
const groups = {
  /** Outcomes of the clients' calls. */
  calls: ['done', 'refused', 'unknown'],
  /** Faults; `power_loss` is a kill of all nodes at once, `split` a cut of many links. */
  faults: ['kill', 'stop', 'power_loss', 'restart', 'pause', 'resume', 'wipe', 'cut', 'split', 'heal'],
  /** Fates of messages; `cut_off` counts messages lost on a cut link. */
  messages: ['sent', 'delivered', 'duplicated', 'lost', 'cut_off'],
  /** Writes torn by a crash, nodes that ended because their disks failed, and truncations of logs. */
  disks: ['torn', 'node_failed', 'truncated'],
  /** Snapshots taken, begun to be sent, and installed. */
  snapshots: ['snapshot', 'snapshot_sent', 'installed'],
  /** Configurations appended; nodes that were told that they are removed; leaders that removed themselves. */
  membership: ['members', 'removed', 'retired'],
  leadership: ['leader_silent', 'pre_vote', 'campaign', 'elected', 'deposed', 'quorum_lost'],
  /** Hand-overs: successors that were told, those that took over, and hand-overs that were given up. */
  handovers: ['handing_over', 'handed_over', 'handover_failed'],
} as const

type Group = keyof typeof groups
export type CounterName = (typeof groups)[Group][number]
export type Counters = Readonly<Record<CounterName, number>>

/** Names of the counters that count nodes' own events. */
export const reported: ReadonlySet<string> = new Set<CounterName>([
  'campaign',
  'elected',
  'deposed',
  'leader_silent',
  'pre_vote',
  'quorum_lost',
  'handing_over',
  'handed_over',
  'handover_failed',
  'truncated',
  'node_failed',
  'snapshot',
  'snapshot_sent',
  'installed',
  'members',
  'removed',
  'retired',
])

const counterGroups = Object.entries(groups) as [Group, readonly CounterName[]][]
const names = counterGroups.flatMap(([, names]) => names)

/** Sums the counters of several runs; of none, zeros. */
export function sumCounters(all: readonly Counters[]): Record<CounterName, number> {
  const sum = (name: CounterName) => all.reduce((sum, counters) => sum + counters[name], 0)
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as Record<CounterName, number>
}

/** Describes in a line the counters that are not zero. */
export function describeCounters(counters: Counters): string {
  return names
    .filter((name) => counters[name] > 0)
    .map((name) => `${name} ${counters[name]}`)
    .join(' · ')
}
