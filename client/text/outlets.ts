import type { Event } from '../../src/contracts.js'
import type { LogLevel } from '../../src/server/levels.js'
import { Outlet, outliveReader } from '../../src/server/outlet.js'
import { droppedEvent } from '../../src/server/tracing.js'
import { isWanted, logLine } from './event-levels.js'
import { describeEvent } from './events.js'

/** The form of events: lines of NDJSON, or sentences for a person. */
const eventText = (isJson: boolean) => (isJson ? logLine : describeEvent)

/** Milliseconds that a reader of the last lines may take before they are given up. */
const flushMs = 1_000

/** An outlet for events. The process waits for no reader, and goes on when the reader has gone. */
export interface EventOutlet {
  /** Writes an event, whatever its level: the answer to a script. */
  say(event: Event): void
  /** Writes an event from the wanted level on. */
  report(event: Event): void
  /** Resolves when the reader has taken all, or after a moment. */
  flushed(): Promise<void>
}

/**
 * Makes an outlet for events.
 *
 * @param about fields of the events that the outlet itself reports
 */
export function eventOutlet(
  { isJson, level, stream }: { isJson: boolean; level: LogLevel; stream?: NodeJS.WritableStream },
  about: object = {},
): EventOutlet {
  const tell = eventText(isJson)
  if (!stream) outliveReader(process.stdout)
  const out = (stream ?? process.stdout) as typeof process.stdout
  const outlet = new Outlet(out, (dropped) => tell({ ...droppedEvent(dropped), ...about, at: Date.now() }))
  const say = (event: Event) => outlet.write(tell(event))
  const report = (event: Event) => {
    if (isWanted(event, level)) say(event)
  }
  return { say, report, flushed: () => outlet.flushed(flushMs) }
}
