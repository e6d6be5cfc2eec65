import { createWriteStream, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { systemClock } from '../clock.js'
import type { Event, NodeId, Traced } from '../contracts.js'
import type { Stage } from '../stage.js'
import { jsonLine } from '../text.js'
import { traceFormat } from '../trace/events.js'
import { openForTrace } from '../trace/file.js'
import { LiveTrace } from '../trace/live.js'
import { TraceText } from '../trace/text.js'
import { hearsAll, type Tracer } from '../trace/watch.js'
import { type NodeConfig, timingOf } from './config.js'
import { type Dropped, Outlet } from './outlet.js'

declare module '../events.js' {
  interface EventDetails {
    trace_failed: { file: string; message: string }
  }
}

/** The file descriptor by which a node's process tells its supervisor every step, if the supervisor looks on. */
export const watchDescriptor = 4
/** Bytes of a trace that may wait for its disk, or for the supervisor. */
const [traceBytes, watchBytes] = [16 * 1024 * 1024, 4 * 1024 * 1024]
/** Milliseconds between two writes to the file of a trace, and UTF-16 units that are written at once. */
const [gatherMs, gatherLength] = [10, 64 * 1024]

type Tell = (event: Traced) => void

/** A line with the name of its node and its time. */
export type Stamp = <Kind extends Traced>(event: Kind) => Kind & { readonly node: NodeId; readonly at: number }

/**
 * Opens what hears of every step of a node: a file, a supervisor that looks on, or both. If one of them is slow, the
 * node goes on, and the lines that were dropped are counted.
 *
 * @returns undefined if nobody listens @throws ConfigError if the file cannot be written to from the beginning
 */
export function openTraces(stage: Stage, config: NodeConfig, stamp: Stamp, emit: (event: Event) => void) {
  const header = stamp({
    event: 'trace',
    format: traceFormat,
    stage: stage.number,
    tickMs: timingOf(config).tickMs,
    nodes: [config.id],
  })
  const file = config.trace === null ? null : hearsAll(intoFile(config.trace, config.id, stamp, emit))
  const live = config.watched ? toSupervisor(config.id, stamp) : null
  const tracer = together(file ?? undefined, live ?? undefined)
  tracer?.tell(header)
  return tracer
}

/** Makes one listener of two, each of which may be missing. It hears what either of them wants to hear. */
export function together(one: Tracer | undefined, other: Tracer | undefined): Tracer | undefined {
  if (!one || !other) return one ?? other
  return {
    tell(event) {
      one.tell(event)
      other.tell(event)
    },
    hearsRequests: one.hearsRequests || other.hearsRequests,
    stateMs: Math.min(one.stateMs, other.stateMs),
    choose(records) {
      const [first, second] = [one.choose(records), other.choose(records)]
      return first.length < second.length ? second : first
    },
  }
}

function intoFile(path: string, node: NodeId, stamp: Stamp, emit: (event: Event) => void): Tell {
  const fd = openForTrace(path, 'a')
  const file = createWriteStream(path, { fd })
  file.on('error', ({ message }) => emit({ event: 'trace_failed', file: path, message }))
  const outlet = new Outlet(file, (dropped) => jsonLine(stamp(droppedEvent(dropped))), traceBytes)
  const { tell, take } = gathered(node, (text, lines) => outlet.writeLines(text, lines))
  // The last lines before an error ends the process are the ones that somebody will look for.
  process.on('exit', () => {
    if (!outlet.isEmpty || !file.writable) return
    try {
      writeSync(fd, take().text)
    } catch {
      // There is no room: what has ended the process is told elsewhere, too.
    }
  })
  return tell
}

/**
 * Gathers what a node does, and has it written as one text: at the end of this round of the event loop, or, if the last
 * one is not long ago, a little later. @param write takes whole lines, or drops them and returns false
 */
export function gathered(node: NodeId, write: (text: string, lines: number) => boolean) {
  const trace = new TraceText()
  let [isDue, writtenAt] = [false, 0]
  const pass = () => {
    writtenAt = performance.now()
    const { text, lines } = trace.take()
    if (lines > 0 && !write(text, lines)) trace.lost()
  }
  const due = () => {
    isDue = false
    pass()
  }
  const tell: Tell = (event) => {
    trace.add(event, node, Date.now())
    if (trace.length > gatherLength) return pass()
    if (isDue) return
    isDue = true
    if (performance.now() - writtenAt > gatherMs) setImmediate(due)
    else setTimeout(due, gatherMs)
  }
  return { tell, take: () => trace.take() }
}

function toSupervisor(node: NodeId, stamp: Stamp): Tracer {
  const pipe = new Socket({ fd: watchDescriptor, readable: false, writable: true })
  pipe.on('error', () => {})
  const outlet = new Outlet(pipe, (dropped) => jsonLine(stamp(droppedEvent(dropped))), watchBytes)
  return new LiveTrace(systemClock, gathered(node, (text, lines) => outlet.writeLines(text, lines)).tell)
}

/** Makes the event that reports dropped lines. */
export function droppedEvent(dropped: Dropped): Event {
  return { event: 'output_dropped', ...dropped }
}
