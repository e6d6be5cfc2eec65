import type { Message } from '../../src/contracts.js'
import { shortened } from '../../src/text.js'
import type { Picture } from '../../src/trace/picture.js'
import type { ShownLine } from '../ui/protocol.js'

/** The kinds of sentences, by which a person filters them. */
export const kinds = ['election', 'log', 'fault', 'verdict', 'other'] as const
export type Kind = (typeof kinds)[number]

/** A sentence about an event. */
export interface Told {
  readonly number: number
  readonly at: number
  readonly node: string | null
  readonly kind: Kind
  readonly text: string
  readonly isBad: boolean
}

const kindOf: Readonly<Record<string, Kind>> = {
  ...Object.fromEntries(
    'campaign elected deposed pre_vote leader_silent quorum_lost handing_over handed_over handover_failed retired timed_out'
      .split(' ')
      .map((name) => [name, 'election']),
  ),
  ...Object.fromEntries('truncated snapshot_sent installed log_cut members'.split(' ').map((name) => [name, 'log'])),
  ...Object.fromEntries(
    'killed ended restarted wiped paused resumed cut healed node_died node_failed slowed disk_failed'
      .split(' ')
      .map((name) => [name, 'fault']),
  ),
}

/** Characters of a sentence, at most. */
const toldLength = 400

/** Tells an event as a sentence; null if it has none. @param before the picture before it */
export function tellOf(line: ShownLine, before: Picture, number: number): Told | null {
  const told = (kind: Kind, text: string, isBad = false): Told => {
    return { number, at: line.at ?? 0, node: line.node ?? null, kind, text: shortened(text, toldLength), isBad }
  }
  if (line.text !== undefined) return told(kindOf[line.event] ?? 'other', line.text)
  if (line.event === 'send') return voteOf(line.message as Message, told)
  if (line.event === 'state') return commitOf(line, before, told)
  if (line.event === 'step') return told('other', `▶ ${String(line.line)}`)
  if (line.event === 'judged') {
    const wanted = line.expected ? `, expected ${String(line.expected)}` : ''
    const isBad = line.mark === 'violated'
    return told('verdict', `${isBad ? '✘' : '◌'} ${String(line.line)}: ${String(line.outcome)}${wanted}`, isBad)
  }
  if (line.event === 'finding') return told('verdict', `✘ ${String(line.guarantee)}: ${String(line.what)}`, true)
  if (line.event === 'verdict' && line.verdict === 'violation')
    return told('verdict', `✘ no order of the calls explains what was answered about ${JSON.stringify(line.key)}`, true)
  return null
}

type Tell = (kind: Kind, text: string) => Told

function voteOf(message: Message, told: Tell): Told | null {
  const { type, to, term, voteGranted } = message as Message & { readonly voteGranted?: boolean }
  if (type !== 'RequestVoteReply') return null
  return told(
    'election',
    voteGranted ? `gives ${to} its vote in term ${term}` : `refuses ${to} its vote in term ${term}`,
  )
}

function commitOf({ node, role, commit }: ShownLine, { nodes }: Picture, told: Tell): Told | null {
  const from = nodes[node ?? '']?.commit ?? 0
  if (role !== 'leader' || typeof commit !== 'number' || commit <= from) return null
  const what = commit === from + 1 ? `entry ${commit}` : `entries ${from + 1} to ${commit}`
  return told('log', `commits ${what}: a majority has ${commit === from + 1 ? 'it' : 'them'} on disk`)
}
