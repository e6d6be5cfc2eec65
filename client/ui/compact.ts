import { shortened } from '../../src/text.js'
import type { TraceLine } from '../../src/trace/fold.js'

/** Bytes of an event, at most: a longer one is cut. */
const mostBytes = 32 * 1024
/** Characters of a text, and parts of a list, in an event that was cut. */
const [textLength, listLength] = [400, 64]

/** An event as a page keeps it, and its bytes as JSON. */
export interface Compact {
  readonly line: TraceLine
  readonly bytes: number
}

/**
 * Leaves out of an event what no page shows, so that what is held can be counted: of a message's entries the first and
 * the last stay, as indexes have no gaps; of an event with long values their beginnings.
 */
export function compact(given: TraceLine): Compact {
  const line = withEnds(given)
  const bytes = JSON.stringify(line).length
  if (bytes <= mostBytes) return { line, bytes }
  const cut = cutLong(line) as TraceLine
  return { line: cut, bytes: JSON.stringify(cut).length }
}

function withEnds(line: TraceLine): TraceLine {
  const { message, upTo } = line
  if (isRecord(upTo)) return { ...line, upTo: { index: upTo.index, term: upTo.term } }
  if (!isRecord(message) || !Array.isArray(message.entries) || message.entries.length <= 2) return line
  return { ...line, message: { ...message, entries: [message.entries[0], message.entries.at(-1)] } }
}

/** Cuts texts to their beginnings, and lists to their first and last parts, however deep. */
function cutLong(value: unknown): unknown {
  if (typeof value === 'string') return shortened(value, textLength)
  if (Array.isArray(value)) return withoutMiddle(value).map(cutLong)
  if (!isRecord(value)) return value
  return Object.fromEntries(
    withoutMiddle(Object.entries(value)).map(([name, part]) => [shortened(name), cutLong(part)]),
  )
}

function withoutMiddle<Part>(parts: readonly Part[]): readonly Part[] {
  if (parts.length <= listLength) return parts
  return [...parts.slice(0, listLength / 2), ...parts.slice(-listLength / 2)]
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
