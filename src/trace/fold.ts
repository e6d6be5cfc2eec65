import type { NodeId } from '../ids.js'
import type { Message } from '../messages.js'
import type { Outcome } from '../requests.js'
import type { TracedEntry, TracedRecord } from './events.js'
import type { CallView, Flight, NodeView, Picture } from './picture.js'

/** One line of a trace; its fields depend on its name. */
export interface TraceLine {
  readonly event: string
  readonly at?: number
  readonly node?: NodeId
  readonly [detail: string]: unknown
}

/** Entries of each log, calls and messages that a picture holds at most. */
const [mostCells, mostCalls, mostFlights] = [400, 80, 240]
/** Milliseconds for which a message that has ended stays in the picture, and after which one on its way is given up. */
const [endedMs, givenUpMs] = [400, 5_000]

type Fold = (picture: Picture, line: TraceLine, node: NodeView) => Picture

/**
 * Adds one event to a picture: the only place where the two are put together, for a live cluster, a seed, a scenario
 * and a file. It changes nothing that it is given, so every earlier picture stays true.
 */
export function fold(before: Picture, line: TraceLine): Picture {
  const at = Math.max(before.at, line.at ?? before.at)
  const picture = { ...before, at, events: before.events + 1, flights: current(before.flights, at) }
  const change = Object.hasOwn(folds, line.event) ? folds[line.event] : undefined
  return change ? change(picture, line, nodeOf(picture, line.node ?? '')) : picture
}

/** Leaves out messages that have ended a while ago. */
function current(flights: readonly Flight[], at: number): readonly Flight[] {
  const isCurrent = ({ sentAt, endedAt }: Flight) =>
    endedAt === null ? at - sentAt < givenUpMs : at - endedAt < endedMs
  return flights.every(isCurrent) ? flights : flights.filter(isCurrent)
}

const unknownNode = {
  condition: 'up',
  role: 'starting',
  leader: null,
  applied: 0,
  cells: [],
  onDisk: 0,
  written: 0,
  heardAt: 0,
} as const

function nodeOf({ nodes }: Picture, id: NodeId): NodeView {
  return (Object.hasOwn(nodes, id) && nodes[id]) || { ...unknownNode, id }
}

function withNode(picture: Picture, id: NodeId, change: Partial<NodeView>): Picture {
  return { ...picture, nodes: { ...picture.nodes, [id]: { ...nodeOf(picture, id), ...change } } }
}

const folds: Readonly<Record<string, Fold>> = {
  trace(picture, { tickMs, nodes }) {
    const start = { ...picture, tickMs: tickMs as number }
    return (nodes as readonly NodeId[]).reduce((one, id) => withNode(one, id, {}), start)
  },
  state(picture, { event: _event, at: _at, node: id, silent, ...facts }, node) {
    // A timer is set back when less silence has passed than since it was set back last.
    const isSetBack = facts.timeout !== node.timeout || silent === 0 || facts.role !== node.role
    const heardAt = isSetBack
      ? picture.at - ((silent as number | undefined) ?? 0) * picture.tickMs * picture.slow
      : node.heardAt
    const beyond = node.cells.length > 0 && node.cells.at(-1)!.index > ((facts.last as number) ?? 0)
    const cells = beyond ? node.cells.filter(({ index }) => index <= (facts.last as number)) : node.cells
    const condition = node.condition === 'dead' ? 'up' : node.condition
    // A fact that is over is left out of the line, where it has gone through JSON.
    const over = { outgoing: undefined, learners: undefined }
    return withNode(picture, id!, { ...over, ...(facts as Partial<NodeView>), heardAt, cells, condition })
  },
  recovered(picture, { node: id, entries, edge }, node) {
    const cells = entries as readonly TracedEntry[]
    const onDisk = cells.at(-1)?.index ?? (edge as number)
    return withNode(picture, id!, {
      condition: node.condition === 'dead' ? 'up' : node.condition,
      cells,
      onDisk,
      written: onDisk,
    })
  },
  write(picture, { node: id, records }, node) {
    return withNode(picture, id!, (records as readonly TracedRecord[]).reduce(addRecord, node))
  },
  synced(picture, { node: id, upTo }) {
    return withNode(picture, id!, { onDisk: (upTo as { index: number }).index })
  },
  send: (picture, { message }) => sent(picture, message as Message),
  receive: (picture, { message }) => ended(picture, message as Message, 'arrived'),
  lost: (picture, { message }) => ended(picture, message as Message, 'lost'),
  cut(picture, { message, links }) {
    if (message) return ended(picture, message as Message, 'lost')
    return { ...picture, cuts: [...new Set([...picture.cuts, ...(links as readonly string[])])] }
  },
  healed: (picture) => ({ ...picture, cuts: [] }),
  killed: (picture, _line, node) => died(picture, node),
  ended: (picture, _line, node) => died(picture, node),
  node_died: (picture, _line, node) => died(picture, node),
  node_failed: (picture, _line, node) => died(picture, node),
  left: (picture, _line, { id }) => without(picture, id),
  wiped: (picture, _line, { id }) => withNode(picture, id, { cells: [], onDisk: 0, written: 0, last: 0 }),
  started: (picture, _line, node) => begun(picture, node),
  restarted: (picture, _line, node) => begun(picture, node),
  paused: (picture, _line, { id }) => withNode(picture, id, { condition: 'paused' }),
  resumed: (picture, _line, { id }) => withNode(picture, id, { condition: 'up' }),
  asked(picture, { client, command, to }) {
    const open = { number: picture.events, client, command, to, askedAt: picture.at, outcome: null, endedAt: null }
    return { ...picture, calls: [...picture.calls, open as CallView].slice(-mostCalls) }
  },
  outcome(picture, { event: _event, at: _at, node: _node, client, ...outcome }) {
    const place = picture.calls.findLastIndex((call) => call.client === client && call.outcome === null)
    if (place < 0) return picture
    const call = { ...picture.calls[place]!, outcome: outcome as unknown as Outcome, endedAt: picture.at }
    return { ...picture, calls: picture.calls.with(place, call) }
  },
  slowed: (picture, { factor }) => ({ ...picture, slow: factor as number }),
  not_drawn: (picture, { messages }) => ({ ...picture, notDrawn: picture.notDrawn + (messages as number) }),
  verdict(picture, { event: _event, at: _at, node: _node, ...verdict }) {
    return { ...picture, verdict: verdict as Picture['verdict'] }
  },
  finding(picture, { guarantee, what }) {
    const finding = { guarantee: guarantee as string, what: what as string, at: picture.at }
    return { ...picture, findings: [...picture.findings, finding].slice(-mostCalls) }
  },
}

/** A process has ended: what was only in its memory is gone. */
function died(picture: Picture, { id, onDisk, cells }: NodeView): Picture {
  const kept = cells.filter(({ index }) => index <= onDisk)
  const gone = { condition: 'dead', role: 'dead', leader: null, cells: kept, written: onDisk } as const
  return withNode(picture, id, gone)
}

/** A process has begun. It may be told late, when the node has been paused already. */
function begun(picture: Picture, { id, condition }: NodeView): Picture {
  return condition === 'dead' ? withNode(picture, id, { condition: 'up', role: 'starting' }) : picture
}

function without(picture: Picture, id: NodeId): Picture {
  const { [id]: _gone, ...nodes } = picture.nodes
  return { ...picture, nodes }
}

function addRecord(node: NodeView, record: TracedRecord): NodeView {
  if (record.record === 'term') return { ...node, term: record.term, votedFor: record.votedFor }
  if (record.record === 'truncate') {
    const cells = node.cells.filter(({ index }) => index < record.from)
    const end = record.from - 1
    return { ...node, cells, written: Math.min(node.written, end), onDisk: Math.min(node.onDisk, end) }
  }
  if (record.record === 'snapshot') {
    const cells = node.cells.filter(({ index }) => index > record.index)
    return { ...node, cells, written: Math.max(node.written, record.index) }
  }
  const { record: _, ...cell } = record
  const before = node.cells.at(-1)
  const earlier =
    before && before.index >= cell.index ? node.cells.filter(({ index }) => index < cell.index) : node.cells
  return { ...node, cells: [...earlier, cell].slice(-mostCells), written: cell.index }
}

function sent(picture: Picture, message: Message): Picture {
  const flight: Flight = { number: picture.events, message, sentAt: picture.at, fate: 'flying', endedAt: null }
  return { ...picture, flights: [...picture.flights, flight].slice(-mostFlights) }
}

/** Ends the oldest flight that may be this message. One that nobody saw leave is in the picture from its end on. */
function ended(picture: Picture, message: Message, fate: 'arrived' | 'lost'): Picture {
  const place = picture.flights.findIndex((one) => one.fate === 'flying' && isSame(one.message, message))
  const seen = place < 0 ? { number: picture.events, message, sentAt: picture.at } : picture.flights[place]!
  const flight: Flight = { ...seen, fate, endedAt: picture.at }
  const flights = place < 0 ? [...picture.flights, flight] : picture.flights.with(place, flight)
  return { ...picture, flights: flights.slice(-mostFlights) }
}

function isSame(one: Message, other: Message): boolean {
  if (one.from !== other.from || one.to !== other.to || one.type !== other.type || one.term !== other.term) return false
  const [a, b] = [one as Message & { sequence?: unknown }, other as Message & { sequence?: unknown }]
  return a.sequence === b.sequence
}
