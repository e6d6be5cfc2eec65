import type { TracedEntry } from '../../src/trace/events.js'
import type { CallView, NodeView, Picture } from '../../src/trace/picture.js'

/** The state of one entry in one log. */
export type CellState = 'absent' | 'compacted' | 'memory' | 'durable' | 'committed' | 'applied'

/** The state of the entry of an index in a node's log. */
export function cellState(node: NodeView, index: number): CellState {
  const { edge = 0, last = 0, commit = 0, applied, onDisk } = node
  if (index > Math.max(last, node.written)) return 'absent'
  if (index <= edge) return 'compacted'
  if (index <= applied) return 'applied'
  if (index <= commit) return 'committed'
  return index <= onDisk ? 'durable' : 'memory'
}

export const cellWords: Readonly<Record<CellState, string>> = {
  absent: 'not there',
  compacted: 'in a snapshot',
  memory: 'in memory only',
  durable: 'on disk, not known to be committed',
  committed: 'committed',
  applied: 'committed and applied',
}

/** Finds the entry of an index, if the picture has seen it. */
export function entryOf(node: NodeView, index: number): TracedEntry | undefined {
  return node.cells.find((cell) => cell.index === index)
}

/** Describes a node in one sentence, for those who do not see the ring. */
export function describeNode(node: NodeView): string {
  const { id, condition, role, term, votedFor, leader, last, commit } = node
  if (condition === 'dead') return `${id} is dead`
  const parts = [
    `${id}, ${role}`,
    condition === 'paused' && 'paused',
    term !== undefined && `term ${term}`,
    votedFor && `voted for ${votedFor}`,
    role === 'follower' && leader && `follows ${leader}`,
    last !== undefined && `log up to ${last}, committed ${commit ?? 0}`,
  ]
  return parts.filter(Boolean).join(', ')
}

/** The leader of the latest term among the nodes that think they lead; null if none does. */
export function leaderOf({ nodes }: Picture): NodeView | null {
  const leading = Object.values(nodes).filter(({ role }) => role === 'leader')
  return leading.sort((a, b) => (b.term ?? 0) - (a.term ?? 0))[0] ?? null
}

export function termOf({ nodes }: Picture): number {
  return Math.max(0, ...Object.values(nodes).map(({ term = 0 }) => term))
}

/** Describes a call: what was asked, and what was answered. */
export function describeCall({ command, outcome, to }: CallView): string {
  const { command: name, ...fields } = command as Record<string, unknown>
  const shown = Object.entries(fields).filter(([field]) => !['session', 'sequence', 'firstOutstanding'].includes(field))
  const asked = [name, ...shown.map(([, value]) => (value === null ? 'null' : String(value)))].join(' ')
  return `${asked}${to ? ` @${to}` : ''}${answerOf(outcome)}`
}

function answerOf(outcome: CallView['outcome']): string {
  if (!outcome) return ''
  if (outcome.outcome !== 'done') return ` → ${outcome.outcome} (${outcome.error.code})`
  const { value } = outcome.answer as { value?: unknown }
  return value === undefined ? ' → ok' : ` → ${value === null ? 'absent' : JSON.stringify(value)}`
}

/** The hue of a term: neighbours differ. */
export const hueOf = (term: number | undefined) => ((term ?? 0) * 67 + 205) % 360

/** Writes a moment of a run: wall-clock time of a live one, milliseconds of another. */
export function describeMoment(at: number, isWall: boolean): string {
  if (!isWall) return `${at.toFixed(0)} ms`
  const date = new Date(at)
  const two = (number: number) => String(number).padStart(2, '0')
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`
}
