import type { Readable } from 'node:stream'
import { systemClock } from '../clock.js'
import { type Event, isObject, type NodeId } from '../contracts.js'
import { noticePace, type Pace, Paced } from '../network/pacing.js'
import { escaped, oneLine } from '../text.js'
import { Expander, NoSuchStepsError } from '../trace/expand.js'
import type { TraceLine } from '../trace/fold.js'
import { type Line, readLines } from './lines.js'

declare module '../events.js' {
  interface EventDetails {
    unreadable_output: { bytes: number; text: string; unnoticed?: number }
  }
}

/** Bytes of a node's event at most. */
const eventBytes = 64 * 1024
/** Levels of lists and objects inside each other, in a node's event at most. */
const eventDepth = 8
/** Bytes of a line of standard error; the rest of a longer line is cut off. */
const complaintBytes = 4 * 1024
/** The pace of lines from standard error: a stack trace or two at once, then ten lines a second. */
const complaintPace: Pace = { perMs: 1 / 100, burst: 200 }

/**
 * Reads the events that a node's process prints, a line of JSON each. A line may also be no event: it was cut off, or a
 * library printed it. Such a line becomes the event `unreadable_output`, and reading goes on.
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

/** Reads the steps that a node's process tells, in the short forms of a trace. */
export function readSteps(node: NodeId, output: Readable, onStep: (step: Event) => void): void {
  const expander = new Expander()
  readEvents(node, output, (event) => {
    for (const step of stepsIn(event, expander)) onStep(step)
  })
}

function stepsIn(event: Event, expander: Expander): readonly Event[] {
  try {
    return expander.expand(event as unknown as TraceLine) as unknown as readonly Event[]
  } catch (error) {
    if (error instanceof NoSuchStepsError) return []
    throw error
  }
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
