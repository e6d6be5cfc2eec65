/** What a run counts, in the order in which it is told: what never happened was not tested. */
const groups = {
  /** How the clients' calls ended. */
  calls: ['done', 'refused', 'unknown'],
  /** `power_loss` is a kill of all nodes at once, `split` a cut of many links. */
  faults: ['kill', 'power_loss', 'restart', 'pause', 'resume', 'wipe', 'cut', 'split', 'heal'],
  /** What became of messages; `cut_off` is lost on a link that was cut. */
  messages: ['sent', 'delivered', 'duplicated', 'lost', 'cut_off'],
  /** A write torn by a crash, a node that ended because its disk failed, entries taken back. */
  disks: ['torn', 'node_failed', 'truncated'],
  /** Taken, begun to be sent, installed. */
  snapshots: ['snapshot', 'snapshot_sent', 'installed'],
  /** Configurations appended; nodes that were told that they are removed; leaders that removed themselves. */
  membership: ['members', 'removed', 'retired'],
  leadership: ['leader_silent', 'campaign', 'elected', 'deposed'],
} as const

type Group = keyof typeof groups
export type CounterName = (typeof groups)[Group][number]
export type Counters = Readonly<Record<CounterName, number>>

/** Counters of what nodes report themselves: the events of these names. */
export const reported: ReadonlySet<string> = new Set<CounterName>([
  'campaign',
  'elected',
  'deposed',
  'leader_silent',
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

/** The sums over several runs; of none, zeros. */
export function sumCounters(all: readonly Counters[]): Record<CounterName, number> {
  const sum = (name: CounterName) => all.reduce((sum, counters) => sum + counters[name], 0)
  return Object.fromEntries(names.map((name) => [name, sum(name)])) as Record<CounterName, number>
}

/** In a line: how often each thing happened that did. */
export function describeCounters(counters: Counters): string {
  return names
    .filter((name) => counters[name] > 0)
    .map((name) => `${name} ${counters[name]}`)
    .join(' · ')
}
