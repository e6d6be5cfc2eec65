import { fold, type TraceLine } from '../../src/trace/fold.js'
import type { Picture } from '../../src/trace/picture.js'

/** Words that a script knows for faults that are done to one node. */
const faults: Readonly<Record<string, string>> = {
  killed: 'kill',
  ended: 'stop',
  restarted: 'restart',
  wiped: 'wipe',
  paused: 'pause',
  resumed: 'resume',
}
/** Milliseconds without a step from which on a script waits as well. */
const leastWaitMs = 150

/**
 * Says a run as a scenario: its faults, its calls and the pauses between them, in the notation of the scripts. A node
 * that led when something was done to it is called `leader`, because another one may lead when the script is played.
 *
 * @param start the picture before the first of the lines
 */
export function sayAsScript(start: Picture, lines: readonly TraceLine[], stage: number): string {
  const body: string[] = []
  let picture = start
  let last: number | null = null
  for (const line of lines) {
    const said = sentenceOf(line, picture, lines)
    picture = fold(picture, line)
    if (said === null) continue
    const waited = last === null ? 0 : (line.at ?? 0) - last
    if (waited >= leastWaitMs) body.push(`wait ${Math.round(waited / 10) * 10}ms`)
    last = line.at ?? 0
    body.push(said)
  }
  if (body.length === 0) body.push('settle')
  const head = ['X1 What was done by hand', 'guarantee G12', `from stage ${stage}`, 'Written down from a run.', '']
  return [...head, ...body, 'heal', 'settle', 'linearizable', ''].join('\n')
}

function sentenceOf(line: TraceLine, picture: Picture, lines: readonly TraceLine[]): string | null {
  const { event, node } = line
  if (Object.hasOwn(faults, event) && node) return `${faults[event]} ${nameOf(node, event, picture)}`
  if (event === 'cut' && Array.isArray(line.links)) return cutOf(line.links as string[])
  if (event === 'healed') return 'heal'
  if (event === 'asked') return callOf(line, lines)
  return null
}

/** Names a node for what is done to it. A dead node has no role, and a paused one is named as it is. */
function nameOf(node: string, event: string, { nodes }: Picture): string {
  const isLeader = nodes[node]?.role === 'leader' && (event === 'killed' || event === 'paused' || event === 'ended')
  return isLeader ? 'leader' : node
}

function cutOf(links: readonly string[]): string {
  const ends = links.map((link) => link.split('>') as [string, string])
  const [first] = ends
  if (links.length === 1) return `cut ${first![0]} > ${first![1]}`
  if (links.length === 2 && links.includes(`${first![1]}>${first![0]}`)) return `cut ${first![0]} ${first![1]}`
  const split = [...new Set(ends.filter((_, at) => at % 2 === 0).map(([one]) => one))]
  return `split ${split.join(' ')}`
}

const plain = /^[\w.-]+$/

function callOf({ client, command, to, at }: TraceLine, lines: readonly TraceLine[]): string | null {
  const { command: name, ...fields } = command as Record<string, unknown>
  if (!['get', 'set', 'delete', 'append', 'cas'].includes(String(name))) return null
  const { key, expected, value } = fields
  const given = [key, ...(name === 'cas' ? [expected] : []), ...(value === undefined ? [] : [value])]
  const words = given.map((word) =>
    word === null ? 'null' : plain.test(String(word)) ? String(word) : JSON.stringify(word),
  )
  const ended = lines.find((one) => one.event === 'outcome' && one.client === client && (one.at ?? 0) >= (at ?? 0))
  const pinned = typeof to === 'string' ? ` @${to}` : ''
  return `${clientOf(String(client))} ${String(name)} ${words.join(' ')}${pinned}${expectation(ended)}`
}

const clientOf = (name: string) => (/^\w+$/.test(name) ? name : `c${name.replaceAll(/\D/g, '') || 1}`)

function expectation(ended: TraceLine | undefined): string {
  if (!ended) return ' &'
  if (ended.outcome !== 'done') return ' -> not done'
  const { value } = ended.answer as { value?: unknown }
  if (value === undefined) return ' -> done'
  return ` -> ${value === null ? '(absent)' : JSON.stringify(value)}`
}
