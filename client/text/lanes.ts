import type { Event, Message, NodeId } from '../../src/contracts.js'
import { jsonLine, oneLine } from '../../src/text.js'
import { fold, type TraceLine } from '../../src/trace/fold.js'
import { type NodeView, noPicture, type Picture } from '../../src/trace/picture.js'
import { colour, nodeColour } from './colour.js'
import { describeEvent, isNotable } from './events.js'
import { describeMessage, Idleness } from './message.js'

/** Columns of a node's lane. */
const laneWidth = 5
/** Characters of a client's words in a line. */
const wordsLength = 60

/**
 * Tells a trace as text: an event a line, and a column for each node. A message is an arrow from its sender's column to
 * its receiver's; a lost one ends at a cross, and its words are struck out. Of heartbeats that say that all is well,
 * only the count is told.
 */
export class Lanes {
  readonly #say: (line: string) => void
  #picture: Picture = noPicture
  #nodes: readonly NodeId[] = []
  /** A message that was sent; the next line may tell that it was lost. */
  #sent: TraceLine | null = null
  #idle = 0
  readonly #idleness = new Idleness()
  #began: number | null = null

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** Tells one event, or waits for the next one. */
  take(line: TraceLine): void {
    const before = this.#picture
    this.#picture = fold(before, line)
    this.#began ??= line.at ?? 0
    const isLoss = isMessage(line.message) && (line.event === 'lost' || line.event === 'cut')
    if (this.#sent && isLoss && this.#sent.message === line.message) return this.#tellSent(true)
    this.#tellSent(false)
    if (line.event === 'trace') return this.#begin()
    if (line.event === 'send') this.#sent = line
    else if (isLoss) this.#tellLost(line)
    else for (const text of textsOf(line, before)) this.#tellAt(line, text)
  }

  /** Tells what is left. */
  end(): void {
    this.#tellSent(false)
    this.#tellIdle()
  }

  #begin(): void {
    this.#nodes = Object.keys(this.#picture.nodes)
    const heads = this.#nodes.map((id) => nodeColour(id.padEnd(laneWidth)))
    this.#say(`${colour.dim('      ms')}  ${heads.join('')}`)
  }

  #tellSent(isLost: boolean): void {
    const sent = this.#sent
    this.#sent = null
    if (!sent) return
    const message = sent.message as Message
    if (this.#idleness.note(message) && !isLost) {
      this.#idle++
      return
    }
    const text = describeMessage(message)
    this.#tell(sent, this.#arrow(message, isLost), isLost ? `${colour.dim.strikethrough(text)} ${lost}` : text)
  }

  /** Tells of a message that was lost on its way, some time after it was sent. */
  #tellLost(line: TraceLine): void {
    const message = line.message as Message
    const text = `${colour.dim.strikethrough(describeMessage(message))} ${lost}`
    this.#tell(line, this.#arrow(message, true), text)
  }

  #tellAt(line: TraceLine, text: string): void {
    const place = this.#nodes.indexOf(line.node ?? '')
    this.#tell(line, this.#lanes(place < 0 ? {} : { [place * laneWidth]: '◆' }), text)
  }

  #tell(line: TraceLine, lanes: string, text: string): void {
    this.#tellIdle()
    const ms = ((line.at ?? 0) - this.#began!).toFixed(0).padStart(8)
    this.#say(`${colour.dim(ms)}  ${lanes} ${text}`)
  }

  #tellIdle(): void {
    if (this.#idle === 0) return
    const lanes = this.#lanes({})
    const what = this.#idle === 1 ? '1 heartbeat or answer' : `${this.#idle} heartbeats and answers`
    this.#say(`${' '.repeat(8)}  ${lanes} ${colour.dim(`(${what})`)}`)
    this.#idle = 0
  }

  /** Draws the lanes: those of nodes that run, and the marks at their places. */
  #lanes(marks: Readonly<Record<number, string>>): string {
    const cells = this.#nodes.flatMap((id) => [laneOf(this.#picture.nodes[id]), ...' '.repeat(laneWidth - 1)])
    return cells.map((cell, at) => marks[at] ?? colour.dim(cell)).join('')
  }

  #arrow({ from, to }: Message, isLost: boolean): string {
    const [start, end] = [this.#nodes.indexOf(from) * laneWidth, this.#nodes.indexOf(to) * laneWidth]
    if (start < 0 || end < 0 || start === end) return this.#lanes({})
    const step = Math.sign(end - start)
    const last = isLost ? start + Math.trunc((end - start) / 2) : end - step
    const marks: Record<number, string> = { [start]: '●' }
    for (let at = start + step; at !== last; at += step) marks[at] = at % laneWidth === 0 ? '┼' : '─'
    marks[last] = isLost ? '╳' : step > 0 ? '▶' : '◀'
    return this.#lanes(marks)
  }
}

const lost = '✗ lost'

const isMessage = (candidate: unknown): candidate is Message => typeof candidate === 'object' && candidate !== null

function laneOf(node: NodeView | undefined): string {
  if (!node || node.condition === 'dead') return ' '
  if (node.condition === 'paused') return '┊'
  return node.role === 'leader' ? '║' : '│'
}

/** Names of events that messages or states tell already, or that nobody reads. */
const untold = new Set(
  'receive request answer apply query write synced recovered duplicated restore not_drawn step link_up'.split(' '),
)

/** Gives the texts of an event that is no message; none if it tells a person nothing. */
function textsOf(line: TraceLine, before: Picture): string[] {
  if (untold.has(line.event)) return []
  if (line.event === 'state') return committed(line, before)
  if (line.event === 'asked') return [`${String(line.client)} → ${target(line.to)}${words(line.command)}`]
  if (line.event === 'outcome') return [`${String(line.client)} ← ${outcome(line)}`]
  if (line.event === 'judged') return [colour.red(`✘ ${String(line.line)}: ${String(line.outcome)}`)]
  if (line.event === 'verdict') return []
  if (line.event === 'finding') return [colour.red(`✘ ${String(line.guarantee)} ${String(line.what)}`)]
  return isNotable(line as Event) ? [describeEvent(line as Event).replace(/^\s+/, '')] : []
}

/** Tells how far a leader has committed, if it has gone on. */
function committed({ node, role, commit }: TraceLine, { nodes }: Picture): string[] {
  const from = nodes[node!]?.commit ?? 0
  if (role !== 'leader' || typeof commit !== 'number' || commit <= from) return []
  return [
    colour.green(`${node} commits ${commit === from + 1 ? `entry ${commit}` : `entries ${from + 1} to ${commit}`}`),
  ]
}

const target = (to: unknown) => (typeof to === 'string' ? `${to}: ` : '')

function words(command: unknown): string {
  return oneLine(
    Object.values(command as object)
      .map(String)
      .join(' '),
    wordsLength,
  )
}

function outcome({ outcome, answer, error }: TraceLine): string {
  if (outcome !== 'done') return colour.yellow(`${String(outcome)} ${String((error as { code?: unknown })?.code)}`)
  const { ok: _ok, ...rest } = answer as Record<string, unknown>
  return Object.keys(rest).length === 0 ? 'ok' : `ok ${oneLine(jsonLine(rest), wordsLength)}`
}
