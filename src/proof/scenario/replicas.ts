import { describeValue } from './expectation.js'
import type { Finding } from './leadership.js'
import type { Driver, Look, Statement } from './scenario.js'

/** Keys of a difference that are shown. */
const mostKeys = 3

/**
 * Limits of a wait for rest: the cluster is at rest after `alike` equal looks in a row; after `mostLooks` the wait
 * ends.
 */
const rest = { everyMs: 50, alike: 6, mostLooks: 200 }

/** Lets time pass until the nodes do not change any more. @returns false if they still changed at the last look */
export async function comeToRest(cluster: Pick<Driver, 'look' | 'wait'>): Promise<boolean> {
  let before = ''
  let alike = 0
  for (let looks = 0; looks < rest.mostLooks; looks++) {
    const now = fingerprint(await cluster.look())
    alike = now === before ? alike + 1 : 0
    if (alike === rest.alike) return true
    before = now
    await cluster.wait(rest.everyMs)
  }
  return false
}

/** Writes all that was seen as one text: clusters are equal if their texts are. */
function fingerprint(looks: readonly Look[]): string {
  return JSON.stringify(looks.map(({ node, applied, contents }) => [node, applied, [...contents].sort()]))
}

/** Judges what all nodes hold under a key: looks again until it is as expected, or until the time is over. */
export async function judgeHeld(
  { key, value, withinMs }: Extract<Statement, { kind: 'all hold' }>,
  cluster: Pick<Driver, 'look' | 'wait'>,
): Promise<Finding> {
  for (let left = withinMs; ; left -= rest.everyMs) {
    const without = lacking(await cluster.look(), key, value)
    if (without.length === 0) return { outcome: '', mark: 'fine', expected: '' }
    if (left <= 0) {
      const expected = value === null ? 'no node to hold it' : 'every node that runs to hold it'
      return { outcome: `not ${without.join(' ')}`, mark: 'violated', expected }
    }
    await cluster.wait(rest.everyMs)
  }
}

/** Lists the nodes that do not hold this value under this key; if the value is null, the nodes that hold any. */
function lacking(looks: readonly Look[], key: string, value: string | null): string[] {
  return looks.filter(({ contents }) => (contents.get(key) ?? null) !== value).map(({ node }) => node)
}

/** Describes the differences of replicas in few lines; equal replicas share a line. Empty when all hold the same. */
export function differences(looks: readonly Look[]): string[] {
  const keys = new Set(looks.flatMap(({ contents }) => [...contents.keys()]))
  const first = looks[0]?.contents
  const odd = [...keys].sort().filter((key) => looks.some(({ contents }) => contents.get(key) !== first?.get(key)))
  if (odd.length === 0) return []
  const kinds = new Map<string, string[]>()
  for (const { node, contents } of looks) {
    const held = odd.map((key) => `${key} ${describeValue(contents.get(key) ?? null)}`)
    const all = held.join('\n')
    kinds.set(all, [...(kinds.get(all) ?? []), node])
  }
  return [...kinds].map(([held, nodes]) => {
    const shown = held.split('\n')
    const more = shown.length > mostKeys ? `, and ${shown.length - mostKeys} keys more` : ''
    return `${nodes.join(' ')}: ${shown.slice(0, mostKeys).join(', ')}${more}`
  })
}
