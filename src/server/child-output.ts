import type { Readable } from 'node:stream'
import { systemClock } from '../clock.js'
import { type Event, isObject, type NodeId } from '../contracts.js'
import { noticePace, type Pace, Paced } from '../network/pacing.js'
import { escaped, oneLine } from '../text.js'
import { type Line, readLines } from './lines.js'

declare module '../events.js' {
  interface EventDetails {
    unreadable_output: { bytes: number; text: string; unnoticed?: number }
  }
}

/** An event of a node is shorter than so many bytes, and no deeper than so many lists and objects in each other. */
const eventBytes = 64 * 1024
const eventDepth = 8
/** A line of complaint is cut there. */
const complaintBytes = 4 * 1024
/** A stack trace or two at once, then ten lines a second. */
const complaintPace: Pace = { perMs: 1 / 100, burst: 200 }

/**
 * Reads the events that a node's process prints, a line of JSON each. Anything else may stand there too: a line that was
 * cut off, or the words of a library. Such a line becomes the event `unreadable_output`, and the next one is read.
 */
export function readEvents(node: NodeId, output: Readable, onEvent: (event: Event) => void): void {
  const paced = new Paced(noticePace, systemClock)
  readLines(output, eventBytes, (line) => {
    const event = eventIn(line, node)
    if (event) return onEvent(event)
    const { bytes, text } = line
    paced.pass((more) => onEvent({ event: 'unreadable_output', node, bytes, text: oneLine(text), ...more }))
  })
}

/** Reads what a node's process prints to its standard error, and passes it on escaped, cut and paced. */
export function readComplaints(errors: Readable, onText: (text: string) => void): void {
  const paced = new Paced(complaintPace, systemClock)
  readLines(errors, complaintBytes, ({ text, isWhole }) => {
    paced.pass(({ unnoticed }) => {
      if (unnoticed !== undefined) onText(`(${unnoticed} lines more, not shown)`)
      onText(`${escaped(text)}${isWhole ? '' : '…'}`)
    })
  })
}

function eventIn({ text, isWhole }: Line, node: NodeId): Event | null {
  if (!isWhole) return null
  try {
    const event: unknown = JSON.parse(text)
    if (!isObject(event) || typeof event.event !== 'string' || event.node !== node) return null
    return isShallow(event, eventDepth) ? (event as Event) : null
  } catch {
    return null
  }
}

function isShallow(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1))
}
