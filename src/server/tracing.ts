import { createWriteStream } from 'node:fs'
import { Socket } from 'node:net'
import { systemClock } from '../clock.js'
import type { Event, NodeId, Traced } from '../contracts.js'
import type { Stage } from '../stage.js'
import { jsonLine } from '../text.js'
import { traceFormat } from '../trace/events.js'
import { openForTrace } from '../trace/file.js'
import { LiveTrace, withoutContents } from '../trace/live.js'
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
  const file = config.trace === null ? null : hearsAll(intoFile(config.trace, stamp, emit))
  const live = config.watched ? toSupervisor(stamp) : null
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

function intoFile(path: string, stamp: Stamp, emit: (event: Event) => void): Tell {
  const file = createWriteStream(path, { fd: openForTrace(path, 'a') })
  file.on('error', ({ message }) => emit({ event: 'trace_failed', file: path, message }))
  const outlet = new Outlet(file, (dropped) => jsonLine(stamp(droppedEvent(dropped))), traceBytes)
  return (event) => outlet.write(jsonLine(withoutContents(stamp(event))))
}

function toSupervisor(stamp: Stamp): Tracer {
  const pipe = new Socket({ fd: watchDescriptor, readable: false, writable: true })
  pipe.on('error', () => {})
  const outlet = new Outlet(pipe, (dropped) => jsonLine(stamp(droppedEvent(dropped))), watchBytes)
  return new LiveTrace(systemClock, (event) => outlet.write(jsonLine(stamp(event))))
}

/** Makes the event that reports dropped lines. */
export function droppedEvent(dropped: Dropped): Event {
  return { event: 'output_dropped', ...dropped }
}
