import { isObject, type NodeId } from '../contracts.js'
import type { TraceLine } from './fold.js'

/** A trace that is being merged, and its next line. */
interface Source {
  readonly lines: AsyncIterator<TraceLine>
  head: TraceLine | null
}

/**
 * Merges the traces of several nodes to one, by time. Clocks tell whole milliseconds: within one, a message is sent
 * before it is received. The header names the nodes of all.
 */
export async function* mergeTraces(traces: readonly AsyncIterable<TraceLine>[]): AsyncGenerator<TraceLine> {
  const sources = traces.map((trace): Source => ({ lines: trace[Symbol.asyncIterator](), head: null }))
  const advance = async (source: Source) => {
    const { value, done } = await source.lines.next()
    source.head = done ? null : value
  }
  await Promise.all(sources.map(advance))
  yield* headerOf(sources.flatMap(({ head }) => head ?? []))
  const underWay = new Map<string, number>()
  for (;;) {
    const next = nextOf(sources, underWay)
    if (!next) return
    const line = next.head!
    note(line, underWay)
    // A node that starts again writes one more header into its file.
    if (line.event !== 'trace') yield line
    await advance(next)
  }
}

function* headerOf(heads: readonly TraceLine[]): Generator<TraceLine> {
  const headers = heads.filter(({ event }) => event === 'trace')
  if (headers.length === 0) return
  const nodes = [...new Set(headers.flatMap(({ nodes }) => nodes as readonly NodeId[]))].sort()
  const at = Math.min(...headers.map((header) => header.at ?? 0))
  yield { ...headers[0]!, at, nodes }
}

/** Chooses the trace whose next line comes next: of those of one moment, none that receives what was not sent yet. */
function nextOf(sources: readonly Source[], underWay: ReadonlyMap<string, number>): Source | undefined {
  const open = sources.filter(({ head }) => head)
  const first = Math.min(...open.map(({ head }) => head!.at ?? 0))
  const tied = open.filter(({ head }) => (head!.at ?? 0) === first)
  const isDue = ({ head }: Source) => head!.event !== 'receive' || (underWay.get(keyOf(head!)) ?? 0) > 0
  return tied.find(isDue) ?? tied[0]
}

function note(line: TraceLine, underWay: Map<string, number>): void {
  if (line.event !== 'send' && line.event !== 'receive') return
  const key = keyOf(line)
  const count = (underWay.get(key) ?? 0) + (line.event === 'send' ? 1 : -1)
  if (count > 0) underWay.set(key, count)
  else underWay.delete(key)
}

function keyOf({ message }: TraceLine): string {
  if (!isObject(message)) return ''
  const { from, to, type, term, sequence } = message
  return JSON.stringify([from, to, type, term, sequence])
}
